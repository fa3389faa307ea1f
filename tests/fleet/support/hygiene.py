"""Words planted in secrets, and the looks for them: at processes and packets meanwhile, at everything afterwards."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).parent
SEARCH = (FOLDER / "search.py").read_text()
LISTEN = (FOLDER / "listen.py").read_text()
SAMPLE_S = 0.02  # between two looks at all processes
LOOK_S = 300  # at all of a host
# Where a tool leaves something that was not asked for: on this machine.
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 they are looked at
TEMPORARY = (*map(Path, PLACES), Path.home())
# Where the secret number stands in the base64 of a key: P-256 in PKCS #8 (RFC 5958), Ed25519 as OpenSSH has it.
OF_P256 = (48, 91)
OF_ED25519 = (215, 257)
Words = dict[str, list[str]]  # {name of a secret: forms of the word in it}
Found = dict[str, dict[str, list[str]]]


def forms(word: str) -> list[str]:
    """A word as it is, and the characters of base64 that it alone determines, wherever it begins.

    Made without the redactor's help: what looks must not share a mistake with what hides.
    """
    assert re.fullmatch(
        r"[\w-]{8,}", word
    ), "nothing that is written otherwise in URLs, JSON, HTML, by a shell"
    found = [word]
    for before in range(3):
        coded = base64.b64encode(bytes(before) + word.encode())
        first, end = -(-before * 8 // 6), (before + len(word)) * 8 // 6
        found.append(coded[first:end].decode())
    return found


def private_part(key: str, begin: int, end: int) -> str:
    """The longest plain run of letters and digits among the characters of a key that alone are secret."""
    lines = [line for line in key.split("\n") if line and "-----" not in line]
    starts = [sum(map(len, lines[:at])) for at in range(len(lines))]
    parts = [
        line[max(0, begin - start) : max(0, end - start)]
        for line, start in zip(lines, starts, strict=True)
    ]
    runs: list[str] = [run for part in parts for run in re.findall("[A-Za-z0-9]+", part)]
    return max(runs, key=len)


class Processes:
    """The arguments of every process that there was, on this machine and, as they share its kernel, on all hosts."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Processes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_S):
            for entry in os.scandir("/proc"):
                if entry.name.isdigit():
                    try:
                        self.seen.add(Path(entry.path, "cmdline").read_bytes())
                    except OSError:  # it has ended
                        continue


@contextmanager
def listening(hosts: list[str], words: Words) -> Iterator[set[tuple[str, ...]]]:
    """The (word, server, client) that went through the network of these hosts while the block ran, at its end."""
    found: set[tuple[str, ...]] = set()
    argv = ("docker", "exec", "-i")
    ears = [
        subprocess.Popen(
            [*argv, f"delight-fleet-{host}", "python3", "-c", LISTEN],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for host in hosts
    ]  # fmt: skip
    try:
        for ear in ears:
            assert ear.stdin and ear.stdout
            ear.stdin.write(json.dumps(words) + "\n")
            ear.stdin.flush()
            assert ear.stdout.readline() == "listening\n"
        yield found
        for ear in ears:
            found |= {tuple(one) for one in json.loads(ear.communicate(timeout=60)[0])}
    finally:
        for ear in ears:
            ear.kill()
            ear.wait()


def on_host(host: str, words: Words) -> Found:
    """{place: {where in it: [names of words]}} of a host, see `search.py`."""
    argv = ["docker", "exec", "-i", f"delight-fleet-{host}", "python3", "-c", SEARCH]
    done = subprocess.run(
        argv, input=json.dumps(words), capture_output=True, text=True, check=False, timeout=LOOK_S
    )
    assert done.returncode == 0, done.stderr
    found: Found = json.loads(done.stdout)
    return found


def in_files(words: Words, *folders: Path, but: Path | None = None) -> dict[str, list[str]]:
    """{path: [names of words]} of every file below these folders that has any, without those below `but`."""
    given = "\n".join(form for all_of_one in words.values() for form in all_of_one)
    there = [str(folder) for folder in folders if folder.exists()]
    argv = ["grep", "-rlaFsZ", "--devices=skip", "-f", "-", *there]
    done = subprocess.run(
        argv, input=given.encode(), capture_output=True, check=False, timeout=LOOK_S
    )
    paths = [Path(path) for path in done.stdout.decode().split("\0") if path]
    return {
        str(path): in_bytes(words, path.read_bytes())
        for path in paths
        if path.is_file() and not (but and path.is_relative_to(but))
    }


def in_texts(words: Words, *texts: str) -> list[str]:
    """The names of the words that stand in any of some texts."""
    return in_bytes(words, "\n".join(texts).encode())


def in_bytes(words: Words, data: bytes) -> list[str]:
    """The names of the words that stand in some bytes."""
    return [
        name
        for name, all_of_one in words.items()
        if any(one.encode() in data for one in all_of_one)
    ]
