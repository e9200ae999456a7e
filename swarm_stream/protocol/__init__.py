"""What crosses the wire, without any IO: frames, and the rules of each end of a connection."""
