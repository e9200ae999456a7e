"""AG2's ``IOWebsockets``: a blocking socket and a thread for each run, which has one viewer.

It has no relay: the run is in the server's own process and prints into its viewer's socket. A
viewer's first message tells how many events to print and how fast.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import time

from autogen.io import IOWebsockets


def run(stream: IOWebsockets) -> None:
    asked = json.loads(stream.input())
    count, rate = asked["count"], asked["rate"]
    began = time.perf_counter()
    for number in range(count):
        if rate:
            time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        stream.print(f"{number} {time.perf_counter_ns()}", end="")
    stream.input()  # stay until the viewer leaves


def main() -> None:
    logging.disable()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with IOWebsockets.run_server_in_thread(port=port, on_connect=run):
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        sys.stdin.read()


main()
