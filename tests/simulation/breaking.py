"""Break a run at each of its boundaries, look all the while, and see that the next one converges."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path

from tests.simulation import invariants
from tests.simulation.faults import Death
from tests.simulation.fleet import Ended, Fleet, Gone
from tests.simulation.host import Host

Act = Callable[[Fleet], Ended]
Break = Callable[[Host, str], None]


def dies(host: Host, label: str) -> None:
    """The act's process is killed; the controller goes on."""
    raise Death


def abandoned(host: Host, label: str) -> None:
    """The act's process and the controller are killed."""
    raise Gone


def reboots(host: Host, label: str) -> None:
    """The host loses power and comes back; the controller goes on."""
    host.reboot()
    raise Death


def dark(host: Host, label: str) -> None:
    """The host and the controller lose power; the host comes back."""
    host.reboot()
    raise Gone


def restarts_edge(host: Host, label: str) -> None:
    """The edge is started again while the act goes on."""
    host.edge.load()


def fails(host: Host, label: str) -> None:
    """What is asked for is refused: the disk is full, the engine or the edge does not answer."""
    if label.startswith("before "):
        raise OSError(errno.ENOSPC, "No space left on device")


def loses_engine(host: Host, label: str) -> None:
    """The Docker daemon is down from here on, to the end of the run; what runs goes on."""
    host.engine.away = True


def cut(host: Host, label: str) -> None:
    """The connection is cut: the act goes on to its end, and nobody hears how it ended."""
    host.link = "cut"


def half_open(host: Host, label: str) -> None:
    """As that, but the agent does not notice: it holds the host for as long as the run goes on."""
    host.link = "half open"


BREAKS: dict[str, Break] = {
    one.__name__: one
    for one in (dies, abandoned, reboots, dark, restarts_edge, loses_engine, fails, cut, half_open)
}


@dataclass(frozen=True)
class Place:
    """Where a run is broken: the boundary's number on a host, and what stands there."""

    host: str
    at: int
    label: str

    def __str__(self) -> str:
        return f"{self.host} {self.at} ({self.label})"


def copied(fleet: Fleet, folder: Path) -> Fleet:
    """The fleet as it is, in another folder."""
    hosts = {name: host.copy(folder / name) for name, host in fleet.hosts.items()}
    return Fleet(hosts, fleet.services, operators=fleet.operators)


def places(fleet: Fleet, act: Act, folder: Path) -> list[Place]:
    """All boundaries of a run in which nothing breaks."""
    dry = copied(fleet, folder)
    watch(dry)
    act(dry)
    return [
        Place(name, at, label)
        for name, host in sorted(dry.hosts.items())
        for at, label in enumerate(host.boundaries.labels)
    ]


def watch(fleet: Fleet) -> None:
    """Look at every host at every boundary."""

    def look(label: str) -> None:
        # Not raised here: an act turns every error into an outcome.
        for name, host in fleet.hosts.items():
            try:
                invariants.serving(host)
            except AssertionError as error:
                fleet.seen.append(f"{name}, {label}: {first_lines(error)}")
        fleet.seen += [f"{label}: {what}" for what in invariants.twice(fleet.hosts, fleet.services)]

    for host in fleet.hosts.values():
        host.boundaries.begin()
        host.boundaries.watch = look


def broken(
    fleet: Fleet, act: Act, place: Place, how: str, folder: Path
) -> tuple[Fleet, Ended | None]:
    """The fleet after a run that broke at a place; how it ended, None where nobody is left to say."""
    found = copied(fleet, folder)
    watch(found)
    host = found.hosts[place.host]
    host.boundaries.planned[place.at] = lambda label: BREAKS[how](host, label)
    try:
        ended = act(found)
    except Gone:
        ended = None
    for one in found.hosts.values():
        one.boundaries.planned.clear()
        one.engine.away = False
    return found, ended


def truthful(fleet: Fleet, ended: Ended, before: str) -> None:
    """What a run says of itself is so."""
    if ended.outcome in ("released", "unchanged"):
        invariants.at_rest(fleet.hosts, ended.result["to"])
    elif ended.outcome in ("rolled back", "refused"):
        invariants.at_rest(fleet.hosts, before, finished=False)


def first_lines(error: BaseException) -> str:
    """What a failed look says."""
    return " ".join(str(error).split("\n")[0].split())


def failures(
    fleet: Fleet, act: Act, after: dict[str, Act], folder: Path, every: bool
) -> Iterator[tuple[Place, str, str, str]]:
    """(place, how, what was done next, what is wrong) of every history that does not end well.

    With `every` each place is broken in all ways, else every other place in one, in turn; of what can be done
    next one is tried.
    """
    before = next(iter(invariants.releases(fleet.hosts)))
    turns = cycle(product(after, BREAKS))  # every way meets everything that can be done next
    all_places = places(fleet, act, folder / "dry")
    for place in all_places if every else all_places[::2]:
        for then, how in [(next(turns)[0], how) for how in BREAKS] if every else [next(turns)]:
            try:
                found, ended = broken(fleet, act, place, how, folder / "broken")
                assert not found.seen, found.seen[0]
                if ended is not None:
                    truthful(found, ended, before)
                converges(found, after[then])
            except AssertionError as error:
                yield place, how, then, first_lines(error)
            finally:
                shutil.rmtree(folder / "broken")


def converges(fleet: Fleet, follow: Act) -> None:
    """The next run ends well, all the while nothing failed, and the fleet is at rest on one release."""
    watch(fleet)
    ended = follow(fleet)
    assert ended.status == 0, f"{ended.outcome}: {ended.result.get('reasons')}"
    assert not fleet.seen, fleet.seen[0]
    finished = ended.outcome in ("released", "unchanged")
    invariants.at_rest(fleet.hosts, next(iter(invariants.releases(fleet.hosts))), finished)


def told(found: list[tuple[Place, str, str, str]]) -> str:
    """All that went wrong, a line each."""
    return "\n".join(f"{place}: {how}, then {then}: {what}" for place, how, then, what in found)
