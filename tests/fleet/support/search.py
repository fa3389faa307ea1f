"""Where words are on one host: runs there as `python3 -c`, with {name: [forms of it]} as JSON on its input.

Prints {place: {where in it: [names]}} as JSON, with the places of `places.py`. Standard library only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

WORDS: dict[str, list[bytes]] = {}
OF_FILES = (
    ("release", r"/srv/delight/releases/[^/]+/secrets/"),
    ("backing", r"/srv/delight-data/secrets/"),
    ("edge", r"/srv/delight/edge/certificate\.pem"),
    ("layers", r"/srv/delight-data/data/registry/|/var/lib/docker/overlay2/"),
    ("record", r"/var/lib/docker/containers/[^/]+/config\.v2\.json|/(var/lib|run)/containerd/"),
    ("log", r"/var/lib/docker/containers/.*log"),
)


def names(data: bytes) -> set[str]:
    """The words that stand in some bytes."""
    return {name for name, forms in WORDS.items() if any(form in data for form in forms)}


def run(*argv: str, text: bytes = b"") -> bytes:
    return subprocess.run(argv, input=text, capture_output=True, check=False).stdout


def files() -> Iterator[tuple[str, str, set[str]]]:
    """(place, path, words) of every file that has any, of all file systems but the kernel's own."""
    forms = b"\n".join(form for all_of_one in WORDS.values() for form in all_of_one)
    kernel = ("--exclude-dir=proc", "--exclude-dir=sys")
    found = run("grep", "-rlaFsZ", "--devices=skip", *kernel, "-f", "-", "/", text=forms)
    for path in filter(None, found.decode().split("\0")):
        place = next((name for name, pattern in OF_FILES if re.match(pattern, path)), "file")
        try:
            yield place, path, names(Path(path).read_bytes())
        except OSError:  # gone since
            continue


def unpacked() -> Iterator[tuple[str, str, set[str]]]:
    """The same of the layers that the registry of this host keeps packed."""
    for path in Path("/srv/delight-data/data/registry").rglob("data"):
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            yield "layers", str(path), names(zlib.decompress(raw, 31))


def containers() -> Iterator[tuple[str, str, set[str]]]:
    """What Docker tells of its containers and images, and what containers have said."""
    ids = run("docker", "ps", "-aq").decode().split()
    for one in json.loads(run("docker", "inspect", *ids)) if ids else []:
        yield "record", one["Name"], names(json.dumps(one).encode())
        argv = ("docker", "logs", one["Id"])
        said = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        ).stdout
        yield "log", one["Name"], names(said)
    for image in run("docker", "images", "-q").decode().split():
        yield "layers", image, names(run("docker", "inspect", image))
        yield "layers", image, names(run("docker", "history", "--no-trunc", image))


def environments() -> Iterator[tuple[str, str, set[str]]]:
    """What stands in the variables of processes; a process by the service whose container it is in."""
    form = '{{.ID}} {{.Label "delight.service"}}'
    lines = run("docker", "ps", "--no-trunc", "--format", form).decode().splitlines()
    services = dict(line.split(" ", 1) for line in lines)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found = names((folder / "environ").read_bytes())
            groups = (folder / "cgroup").read_text()
            command = (folder / "comm").read_text().strip()
        except OSError:
            continue
        owner = next((name for ident, name in services.items() if ident in groups), command)
        yield "environment", owner, found


def journal() -> Iterator[tuple[str, str, set[str]]]:
    yield "journal", "journalctl", names(run("journalctl", "--no-pager", "--all", "-o", "export"))


def main() -> None:
    given = json.load(sys.stdin)
    WORDS.update({name: [form.encode() for form in forms] for name, forms in given.items()})
    said: dict[str, dict[str, list[str]]] = {}
    for look in (files, unpacked, containers, environments, journal):
        for place, where, found in look():
            if found:
                told = said.setdefault(place, {}).setdefault(where, [])
                told += sorted(found - set(told))
    print(json.dumps(said))


if __name__ == "__main__":
    main()
