"""The tests' own servers: their ports are nobody else's, and a port that was taken costs no run."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import ports
from tests.backing import Backing, Postgres, Redis, running
from tests.ports import PortTakenError, early_end, free_ports, on_free_ports, own_ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody holds; who asks it is refused at once."""
    [port] = free_ports(1)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        yield port


def test_workers_have_ranges_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    for number in range(10):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        given += own_ports()
    assert len(set(given)) == len(given)
    # Neither privileged ones nor those that the kernel gives to outgoing connections.
    assert min(given) > 1024
    assert max(given) < 32768


def test_a_taken_port_is_not_given(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "own_ports", lambda: range(taken, taken + 1))
    with pytest.raises(PortTakenError, match=str(taken)):
        free_ports(1)


@pytest.mark.parametrize(("failures", "hopeless"), [(0, False), (7, False), (8, True)])
def test_a_start_is_tried_several_times(failures: int, hopeless: bool) -> None:
    asked: list[tuple[int, int]] = []

    def start(one: int, other: int) -> str:
        assert one != other
        asked.append((one, other))
        if len(asked) <= failures:
            raise PortTakenError
        return "started"

    if hopeless:
        with pytest.raises(PortTakenError):
            on_free_ports(2, start)
    else:
        assert on_free_ports(2, start) == "started"
        assert len(asked) == failures + 1


@pytest.mark.parametrize("kind", [Postgres, Redis])
def test_a_server_whose_port_was_taken_gets_another(
    kind: Callable[[Path, int], Backing], taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = iter([[taken], free_ports(1)])
    monkeypatch.setattr(ports, "free_ports", lambda _: next(offered))
    with running(kind) as server:
        assert server.port != taken
        assert server.ready()


def test_another_reason_is_told_at_once() -> None:
    assert isinstance(early_end("bind: Address already in use"), PortTakenError)
    reason = early_end("no such file")
    assert isinstance(reason, AssertionError)
    assert str(reason) == "no such file"
