"""A link that takes its time, as ssh's ProxyCommand: every byte is held back by half of a round trip, each way.

Run as `python -I -S far.py HOST PORT`. Bandwidth is not bounded, nothing is lost.
"""

import os
import queue
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable

ROUND_TRIP_S = 0.05
# For ssh and for its configuration.
PROXY = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(os.path.realpath(__file__))} %h %p"


def carry(read: Callable[[], bytes], write: Callable[[bytes], object]) -> threading.Thread:
    """Pass on what is read, half of a round trip later; the end too."""
    coming: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def deliver() -> None:
        data = b"-"
        while data:
            due_s, data = coming.get()
            time.sleep(max(0.0, due_s - time.monotonic()))
            write(data)

    def listen() -> None:
        data = b"-"
        while data:
            data = read()
            coming.put((time.monotonic() + ROUND_TRIP_S / 2, data))

    threading.Thread(target=listen, daemon=True).start()
    delivering = threading.Thread(target=deliver, daemon=True)
    delivering.start()
    return delivering


def main(host: str, port: int) -> None:
    """Until the other end has said its last."""
    time.sleep(ROUND_TRIP_S)  # what opening the connection would take
    link = socket.create_connection((host, port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    carry(
        lambda: os.read(0, 65536),
        lambda data: link.sendall(data) if data else link.shutdown(socket.SHUT_WR),
    )
    carry(lambda: link.recv(65536), lambda data: os.write(1, data)).join()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
