"""The module that keeps HAProxy's configuration: validate, replace, reload, or leave all as it was."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plugins.modules import haproxy_config

GROUP = os.getgid()


@pytest.fixture(autouse=True)
def any_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ownership is the host tests' matter."""
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    monkeypatch.setattr(haproxy_config, "STARTING_S", 0)


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Start a socket that answers its one command with a text."""
    listeners = []

    def start(answer: str) -> Path:
        path = tmp_path / "master.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        listeners.append(listener)

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                assert client.recv(100) in (b"reload\n", b"get var proc.config\n")
                client.sendall(answer.encode())

        threading.Thread(target=serve, daemon=True).start()
        return path

    yield start
    for listener in listeners:
        listener.close()


def keep(tmp_path: Path, sock: Path, validate: str = "true", before: str | None = "old") -> bool:
    path = tmp_path / "haproxy.cfg"
    if before is not None:
        path.write_text(before)
    params: dict[str, Any] = {
        "group": GROUP,
        "validate": [validate, "%s"],
        "socket": str(sock),
    }
    return haproxy_config.keep(SimpleNamespace(params=params), path, before, "new")


def test_a_good_text_is_taken(tmp_path: Path, master: Callable[[str], Path]) -> None:
    assert keep(tmp_path, master("Success=1\n--\n")) is True
    assert (tmp_path / "haproxy.cfg").read_text() == "new"


def test_a_refused_text_replaces_nothing(tmp_path: Path) -> None:
    with pytest.raises(haproxy_config.Refused, match="not replaced"):
        keep(tmp_path, tmp_path / "none.sock", validate="false")
    assert [path.name for path in tmp_path.iterdir()] == ["haproxy.cfg"]
    assert (tmp_path / "haproxy.cfg").read_text() == "old"


def test_a_failed_reload_puts_the_old_text_back(
    tmp_path: Path, master: Callable[[str], Path]
) -> None:
    with pytest.raises(haproxy_config.Refused, match="cannot bind"):
        keep(tmp_path, master("Success=0\n--\ncannot bind"))
    assert (tmp_path / "haproxy.cfg").read_text() == "old"


@pytest.mark.parametrize("stale", [True, False])
def test_without_a_process_the_text_waits_for_one(tmp_path: Path, stale: bool) -> None:
    path = tmp_path / "master.sock"
    if stale:
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(str(path))
    assert keep(tmp_path, path, before=None) is False
    assert (tmp_path / "haproxy.cfg").read_text() == "new"


def test_a_name_stands_for_the_text_and_what_is_read_with_it(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    names = {haproxy_config.name_of("text", []), haproxy_config.name_of("text", [certificate])}
    for pem in ("one", "other"):
        certificate.write_text(pem)
        names.add(haproxy_config.name_of("text", [certificate]))
    assert len(names | {haproxy_config.name_of("other", [])}) == 5


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("proc.config: type=str value=<abc>\n", True),
        ("proc.config: undefined\n", False),
        ("value=<b>", False),
    ],
)
def test_what_runs_is_compared_with_what_is_written(
    master: Callable[[str], Path], said: str, same: bool
) -> None:
    assert haproxy_config.loaded(master(said), "abc") is same


def test_where_nothing_runs_there_is_nothing_to_load(tmp_path: Path) -> None:
    assert haproxy_config.loaded(tmp_path / "none.sock", "abc")
