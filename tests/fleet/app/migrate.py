"""Migrations of the test application, kept in Redis: every version brings one revision.

    migrate.py pending    print the revision of this version unless it was applied
    migrate.py apply      apply it; a BEHAVIOUR of broken_migration says its secret and fails

MIGRATIONS is the Redis list that holds what was applied; REDIS_URL_FILE names the server.
"""

import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

URL = Path(os.environ["REDIS_URL_FILE"]).read_text()
APPLIED = os.environ["MIGRATIONS"]
REVISION = f"revision-{os.environ['VERSION']}"


def ask(*commands: tuple[str, ...]) -> str:
    """The server's answers to inline commands, after the login."""
    server = urlsplit(URL)
    lines = [("AUTH", server.password or ""), *commands, ("QUIT",)]
    with socket.create_connection((server.hostname, server.port), timeout=5) as client:
        client.sendall("".join(" ".join(line) + "\r\n" for line in lines).encode())
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()


def main(command: str) -> int:
    if command == "pending":
        print("" if REVISION in ask(("LRANGE", APPLIED, "0", "-1")) else REVISION)
        return 0
    if os.environ["BEHAVIOUR"] == "broken_migration":
        print(f"cannot apply {REVISION} with {URL}", file=sys.stderr)
        return 1
    ask(("RPUSH", APPLIED, REVISION))
    return 0


raise SystemExit(main(sys.argv[1]))
