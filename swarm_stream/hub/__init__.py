"""The hub: one log, many sockets; runs in the Jupyter server or in a kernel."""
