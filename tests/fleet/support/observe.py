"""What one host looks like right now, asked without the engine: runs on the host as `python3 -`.

Prints one JSON object, see `invariants.py`, which judges it. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path("/srv/delight")


def ask_edge(command: str) -> str:
    """One runtime command; empty where no edge answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        try:
            client.connect(str(ROOT / "edge/run/admin.sock"))
            client.sendall(command.encode() + b"\n")
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()
        except OSError:
            return ""


def lines_of(path: Path) -> list[str]:
    """The lines of a file; none where there is no file."""
    return path.read_text().splitlines() if path.exists() else []


def written_servers() -> dict[str, dict[str, str]]:
    """{backend: {server: address:port}} of the configuration on disk."""
    found: dict[str, dict[str, str]] = {}
    backend = ""
    for line in lines_of(ROOT / "edge/backends.cfg"):
        if match := re.match(r"backend (\S+)", line):
            backend = match[1]
            found[backend] = {}
        elif match := re.match(r"\s+server (\S+) (\S+)", line):
            found[backend][match[1]] = match[2]
    return found


def loaded_servers() -> dict[str, dict[str, str]]:
    """The same of what the running edge has loaded."""
    found: dict[str, dict[str, str]] = {}
    for line in ask_edge("show servers state").splitlines()[2:]:
        words = line.split()
        if len(words) > 18:
            found.setdefault(words[1], {})[words[3]] = f"{words[4]}:{words[18]}"
    return found


def checks() -> dict[str, dict[str, str]]:
    """{backend: {server: `UP L7OK`}} as the edge sees its checked servers."""
    found: dict[str, dict[str, str]] = {}
    header, *rows = ask_edge("show stat -1 4 -1").lstrip("# ").splitlines() or [""]
    names = header.split(",")
    for row in rows:
        one = dict(zip(names, row.split(","), strict=False))
        if one.get("svname") and not one["svname"].endswith("-backup"):
            said = f"{one['status']} {one['check_status']}".replace("*", "").strip()
            found.setdefault(one["pxname"], {})[one["svname"]] = said
    return found


def runtime_map() -> dict[str, str]:
    """{route: backend} that the running edge decides by."""
    entries = (line.split() for line in ask_edge(f"show map {ROOT}/edge/live.map").splitlines())
    return {words[1]: words[2] for words in entries if len(words) == 3}


def containers() -> list[dict[str, Any]]:
    """Every container of the application, running or not."""
    listing = ["docker", "ps", "--all", "--quiet", "--filter", "label=delight.slot"]
    ids = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split()
    if not ids:
        return []
    # One that goes between the two commands is not there any more: no error.
    done = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=False)
    return [
        {
            "name": one["Name"].lstrip("/"),
            **{
                key: one["Config"]["Labels"].get(f"delight.{key}", "")
                for key in ("service", "slot", "release", "fingerprint")
            },
            "state": one["State"]["Status"],
            "policy": one["HostConfig"]["RestartPolicy"]["Name"],
        }
        for one in json.loads(done.stdout)
        if one["Config"]["Labels"].get("delight.app", ROOT.name) == ROOT.name
    ]


def releases() -> dict[str, dict[str, Any]]:
    """{release: {service: what is declared of it}} of everything kept."""
    keys = ("replicas", "fingerprint", "routes", "port")
    return {
        file.parent.name: {
            name: {key: spec[key] for key in keys}
            for name, spec in json.loads(file.read_text())["services"].items()
        }
        for file in sorted((ROOT / "releases").glob("[!.]*/release.json"))
    }


def observe() -> dict[str, Any]:
    """Everything an invariant is about."""
    state, live = ROOT / "state.json", ROOT / "live"
    return {
        "state": json.loads(state.read_text()) if state.exists() else None,
        "live": os.readlink(live).removeprefix("releases/") if live.is_symlink() else None,
        "map": dict(line.split() for line in lines_of(ROOT / "edge/live.map")),
        "runtime": runtime_map(),
        "pool": dict(line.split() for line in lines_of(ROOT / "edge/pool.map")),
        "written": written_servers(),
        "loaded": loaded_servers(),
        "checks": checks(),
        "containers": containers(),
        "releases": releases(),
    }


if __name__ == "__main__":
    print(json.dumps(observe()))
