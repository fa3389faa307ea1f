"""A stand-in for the docker command: containers, volumes, networks and images with labels, asked in its own words."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

# The options that take the next word as their value.
VALUED = {
    *("--name", "--hostname", "--network", "--ip", "--cap-add", "--cap-drop", "--security-opt"),
    *("--stop-timeout", "--tmpfs", "--cgroupns", "--volume", "--publish", "--subnet", "--filter"),
    *("--format", "--label"),
}


def parsed(words: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Options with their values, and the other words."""
    options, rest = [], []
    left = list(words)
    while left:
        word = left.pop(0)
        name, given, value = word.partition("=")
        if not word.startswith("--"):
            rest.append(word)
        elif given:
            options.append((name, value))
        else:
            options.append((word, left.pop(0) if word in VALUED else ""))
    return options, rest


@dataclass
class Engine:
    """What stands in it: (kind, name) → labels; which containers run; the names of images."""

    runs: bool = True
    there: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def attempt(
        self,
        argv: Sequence[str],
        stdin: bytes | None = None,
        timeout: float = 0,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """In the place of lab.shell.attempt."""
        self.said.append(" ".join(argv))
        if not self.runs:
            return self._answer(1, "Cannot connect to the Docker daemon")
        try:
            return self._answer(0, self._do(list(argv[1:])))
        except LookupError as error:
            return self._answer(1, f"Error: No such object: {error}")

    def names(self, kind: str) -> list[str]:
        """All of one kind."""
        return sorted(name for one, name in self.there if one == kind)

    @staticmethod
    def _answer(status: int, text: str) -> subprocess.CompletedProcess[bytes]:
        out, err = ("", text) if status else (text, "")
        return subprocess.CompletedProcess([], status, out.encode(), err.encode())

    def _do(self, words: list[str]) -> str:
        options, rest = parsed(words)
        match rest:
            case ["run", *_]:
                name = dict(options)["--name"]
                self.running.add(name)
                return self._make("container", name, options)
            case [("volume" | "network") as kind, "create", name]:
                return self._make(kind, name, options)
            case ["image", "ls", pattern]:
                prefix = pattern.removesuffix("*")
                return "\n".join(n for n in sorted(self.images) if n.startswith(prefix))
            case ["image", "rm", *names]:
                self.images -= set(names)
            case [kind, "ls"]:
                return self._list(kind, dict(options))
            case ["container", "inspect", name]:
                labels = self.there["container", name]
                state = "running" if name in self.running else "exited"
                return f"{state} {labels.get('delight.lab.shape', '')}"
            case [kind, "rm", *names]:
                for name in names:
                    del self.there[kind, name]
                    self.running.discard(name)
            case ["stop", *names]:
                self.running -= set(names)
            case ["start", name]:
                self.running.add(name)
            case ["ps"]:
                return "\n".join(sorted(self.running))
            case ["exec", *_]:
                return "ssh-ed25519 AAAA root@host\n"
            case ["version"] | ["buildx", "version"] | ["compose", "version"] | ["image", "prune"]:
                pass
            case _:
                raise AssertionError(f"the stand-in does not know: docker {' '.join(words)}")
        return ""

    def _make(self, kind: str, name: str, options: list[tuple[str, str]]) -> str:
        labels = [value.partition("=") for option, value in options if option == "--label"]
        self.there[kind, name] = {key: value for key, _, value in labels}
        return name

    def _list(self, kind: str, options: dict[str, str]) -> str:
        key, given, value = options["--filter"].removeprefix("label=").partition("=")
        found = []
        for (one, name), labels in sorted(self.there.items()):
            if one == kind and key in labels and (not given or labels[key] == value):
                found.append(f"{name}\t{labels.get('delight.checkout', '')}")
        return "\n".join(found)
