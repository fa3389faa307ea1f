"""Two operators at once: one is refused, or takes over by name; none guesses."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from delight.host import command
from delight.host.lease import Lease

from tests.simulation import invariants
from tests.simulation.fleet import Ended, Fleet, Gone, Hook
from tests.simulation.host import Host

# The run that is at work in these tests, after the first deploy of `served`, and the one within it.
MINE, OTHERS = "desk:2", "desk:3"


def once(moment: str, then: Callable[[], Any]) -> Hook:
    """Do something just before the first host's act `moment`."""
    waiting = [then]

    def hook(act: str, host: str) -> None:
        if (act, host) == (moment, "app1") and waiting:
            waiting.pop()()

    return hook


def dies_at(moment: str) -> Hook:
    """A controller that is gone before the act `moment`."""

    def hook(act: str, host: str) -> None:
        if act == moment:
            raise Gone

    return hook


def serving(fleet: Fleet) -> set[str]:
    """The releases that the containers behind the maps belong to."""
    found = set()
    for host in fleet.hosts.values():
        slots = {name.rpartition("-")[2] for name in host.routes.values()}
        for one in host.engine.containers.values():
            if one["labels"]["delight.slot"] in slots and one["State"]["Running"]:
                found.add(one["labels"]["delight.release"].split("-")[0])
    return found


def journal(host: Host, act: str) -> list[dict[str, Any]]:
    """What a host has written down of an act."""
    lines = map(json.loads, (host.root / "journal.jsonl").read_text().splitlines())
    return [line for line in lines if line["act"] == act]


@pytest.fixture
def killed(served: Fleet, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have an agent that is killed let go of its host; the hosts on which one was.

    All agents are this very process here, so killing it is left undone.
    """
    found = []

    def kill_tree(pid: int) -> None:
        assert pid == os.getpid()
        for session in served.sessions.values():
            for name, lease in list(session.leases.items()):
                if lease.held and served.hosts[name] is Host.now:
                    session.leases.pop(name).release()
                    found.append(name)

    monkeypatch.setattr(command, "kill_tree", kill_tree)
    return found


@pytest.fixture
def lingering() -> Iterator[list[Lease]]:
    """Leases of runs that go on somewhere else, until the test is over."""
    found: list[Lease] = []
    yield found
    for lease in found:
        lease.release()


@pytest.mark.promise("C9")
@pytest.mark.parametrize("kind", ["deploy", "recover"])
@pytest.mark.parametrize("moment", ["stage", "switch", "settle"])
def test_a_run_that_goes_on_is_left_alone(served: Fleet, moment: str, kind: str) -> None:
    said: list[Ended] = []
    other = once(moment, lambda: said.append(served.run(kind, version="v3")))
    ended = served.run("deploy", before=other, version="v2")
    assert ended.status == 0
    assert serving(served) == {"v2"}
    [refused] = said
    assert refused.status == 20
    assert f"by {MINE} is running; wait for it (since 20" in refused.text
    assert f"run recover.yml -e takeover={MINE}" in refused.text


@pytest.mark.promise("C3", "R8")
@pytest.mark.parametrize("moment", ["prepare", "stage", "switch", "settle"])
def test_a_run_that_was_taken_over_claims_nothing(
    served: Fleet, killed: list[str], moment: str
) -> None:
    said: list[Ended] = []

    def other() -> None:
        said.append(served.run("recover", takeover=MINE))
        said.append(served.deploy("v3"))

    ended = served.run("deploy", before=once(moment, other), version="v2")
    assert [one.status for one in said] == [0, 0], said
    assert killed == ["app1", "app2"]
    assert serving(served) == {"v3"}
    assert ended.status == 22
    assert "this run was taken over" in ended.text
    for word in ("RELEASED", "ROLLED BACK"):
        assert word not in ended.text
    invariants.at_rest(served.hosts, said[-1].result["to"])


@pytest.mark.usefixtures("killed")
def test_a_run_that_was_put_back_by_another_says_what_the_hosts_say(served: Fleet) -> None:
    other = once("undo", lambda: served.run("recover", takeover=MINE))

    def hook(act: str, host: str) -> dict[str, Any] | None:
        if served.operator == 2:
            other(act, host)
        return {"outcome": "failed", "reason": "sick"} if act == "stage" else None

    ended = served.run("deploy", before=hook, version="v2")
    assert served.operators == 3
    assert (ended.status, serving(served)) == (21, {"v1"})
    assert ended.text.startswith("ROLLED BACK: v1-")


@pytest.mark.usefixtures("killed")
def test_a_takeover_is_journaled_by_who_did_it(served: Fleet) -> None:
    other = once("stage", lambda: served.run("recover", takeover=MINE))
    served.run("deploy", before=other, version="v2")
    host = served.hosts["app2"]
    assert [one["takeover"] for one in journal(host, "evict")] == [MINE]
    mended = [one for one in journal(host, "undo") if "recovered_by" in one]
    keys = ("by", "takeover", "recovered_by")
    assert [tuple(one[key] for key in keys) for one in mended] == [("desk", MINE, OTHERS)]


@pytest.mark.promise("R7")
@pytest.mark.parametrize("takeover", ["", MINE])
def test_the_run_of_a_dead_controller_is_mended_whether_it_is_named_or_not(
    served: Fleet, killed: list[str], takeover: str
) -> None:
    with pytest.raises(Gone):
        served.run("deploy", before=dies_at("switch"), version="v2")
    ended = served.run("recover", takeover=takeover)
    assert ended.status == 0 and not killed
    for host in served.hosts.values():
        [line] = journal(host, "undo")
        assert line["recovered_by"] == OTHERS
        assert line.get("takeover", "") == takeover
        assert host.state["run"] is None
    assert serving(served) == {"v1"}


@pytest.mark.parametrize("name", ["desk", OTHERS, "desk:22", "true"])
def test_a_takeover_names_the_owner_exactly(served: Fleet, killed: list[str], name: str) -> None:
    said: list[Ended] = []
    other = once("stage", lambda: said.append(served.run("recover", takeover=name)))
    assert served.run("deploy", before=other, version="v2").status == 0
    [refused] = said
    assert refused.status == 20 and not killed
    assert f"does not name the owner of an open run; open are runs by {MINE}" in refused.text


def test_a_takeover_of_nothing_is_refused(served: Fleet) -> None:
    ended = served.run("recover", takeover=MINE)
    assert ended.status == 20
    assert "no run is open" in ended.text


def test_only_recover_takes_over(served: Fleet) -> None:
    with pytest.raises(ValueError, match=r"takeover: is for recover\.yml alone"):
        served.deploy("v2", takeover=MINE)


@pytest.mark.promise("C9")
def test_of_two_that_planned_at_once_the_second_is_told_who_was_first(
    served: Fleet, lingering: list[Lease]
) -> None:
    def goes_on(act: str, host: str) -> None:
        if act == "prepare":
            mine = served.sessions[served.operator].leases
            lingering.extend(mine.values())
            mine.clear()
            raise Gone

    def first() -> None:
        with pytest.raises(Gone):
            served.run("deploy", before=goes_on, version="v3")

    ended = served.run("deploy", before=once("lock", first), version="v2")
    assert ended.status == 20
    assert "deploy of v3-" in ended.text
    assert f"by {OTHERS} is running (act lock, process {os.getpid()} on this host" in ended.text
    assert f"wait for it. If it must end, run recover.yml -e takeover={OTHERS}" in ended.text
    assert {host.state["run"]["by"]["pid"] for host in served.hosts.values()} == {3}


@pytest.mark.promise("C9")
@pytest.mark.parametrize("ends", ["well", "with its run open"])
def test_a_plan_that_another_run_has_outdated_is_given_up(served: Fleet, ends: str) -> None:
    def first() -> None:
        if ends == "well":
            assert served.deploy("v3").status == 0
            return
        with pytest.raises(Gone):
            served.run("deploy", before=dies_at("prepare"), version="v3")

    ended = served.run("deploy", before=once("lock", first), version="v2")
    assert ended.status == 20
    assert "another run has changed this host since it was looked at; run again" in ended.text
    again = served.deploy("v2")
    assert again.status == 0
    invariants.at_rest(served.hosts, again.result["to"])
