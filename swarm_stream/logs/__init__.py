"""Where events rest: the contract of a log, and the logs."""
