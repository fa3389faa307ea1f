"""What once led out of any promise: lost state, foreign controllers, commands that never end."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

import pytest

from tests.fleet.support.hosts import Fleet, until
from tests.fleet.support.load import Load, unharmed

Services = dict[str, dict[str, Any]]
# As in another container: its processes are not to be seen from here, and it ends with its first one.
ELSEWHERE = (
    *("unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"),
    *("sh", "-c", 'hostname elsewhere; exec "$0" "$@"'),
)


@pytest.mark.promise("C12", "T9")
def test_a_state_that_is_gone_is_refused_and_what_serves_goes_on(pair: Fleet, load: Load) -> None:
    old, [new], before = pair.version(), pair.next_versions(), pair.ids()
    state, away = "/srv/delight/state.json", "/srv/delight/elsewhere.json"
    pair.exec("app2", "mv", state, away)
    try:
        for _ in range(2):
            run = pair.deploy(new).expect("refused", 20)
            assert f"{state} is missing, but " in run.output
            assert pair.ids() == before
    finally:
        pair.exec("app2", "mv", away, state)
    pair.converged(old)
    pair.deploy(new).expect("released", 0)


@pytest.mark.promise("R3", "T11")
def test_a_replica_that_docker_restarted_can_be_gone_back_to(pair: Fleet) -> None:
    old, [new] = pair.version(), pair.next_versions()
    one = next(c["name"] for c in pair.observe()["app1"]["containers"] if c["policy"] != "no")
    form = "{{.RestartCount}} {{.State.Pid}} {{.State.Running}}"
    count, pid, _ = pair.exec("app1", "docker", "inspect", "-f", form, one).split()
    pair.exec("app1", "pkill", "-KILL", "-P", pid)

    def again() -> bool:
        now, _, runs = pair.exec("app1", "docker", "inspect", "-f", form, one).split()
        return int(now) > int(count) and runs == "true"

    until(again, "Docker has restarted it")
    until(lambda: pair.broken() == [], "it serves again")
    # The requests that it was killed with are lost; from here on none is.
    with unharmed(pair.url):
        pair.deploy(new).expect("released", 0)
        pair.rollback().expect("released", 0)
        pair.converged(old)


@pytest.mark.promise("C9", "C3")
def test_a_controller_elsewhere_is_seen_alive_and_ended_by_name(
    pair: Fleet, load: Load, services: Services
) -> None:
    old, (new, newer) = pair.version(), pair.next_versions(2)
    services["api"]["env"] |= {"START_DELAY_S": "30"}
    far = pair.start("deploy", version=new, services=services, prefix=ELSEWHERE)
    pair.in_phase("app1", "staging")
    refused = pair.deploy(newer).expect("refused", 20)
    assert "takeover=" in refused.output
    [owner] = set(re.findall(r"takeover=(\S*elsewhere\S*[^.\s,;)])", refused.output))
    wrong = pair.play("recover", takeover="somebody:1")
    assert (wrong.status, "does not name the owner" in wrong.output) == (20, True), wrong.output
    # Who knows that it must end says so by its owner's name; it is ended where it holds hosts.
    pair.play("recover", takeover=owner).expect("recovered", 0)
    # It does nothing more: it finds that it was put back, or who is just putting it back.
    ended = far.end()
    assert ended.status in (21, 22), ended.output
    assert "stage gave no outcome: Killed" in ended.output
    pair.converged(old)
    assert "takeover" in pair.exec("app1", "cat", "/srv/delight/journal.jsonl")


@pytest.mark.promise("C10", "R1")
def test_a_check_that_never_ends_is_ended_and_named(
    pair: Fleet, load: Load, services: Services
) -> None:
    old, [new], before = pair.version(), pair.next_versions(), pair.ids()
    services["api"] |= {"check": ["sleep", "infinity"], "check_timeout": "2s"}
    run = pair.deploy(new, services=services).expect("refused", 20)
    assert "sleep infinity" in run.output
    assert "check_timeout" in run.output
    assert pair.ids() == before
    assert (
        pair.exec("app1", "docker", "ps", "-aq", "--filter", "label=delight.slot=once").split()
        == []
    )
    pair.converged(old)
    pair.deploy(new).expect("released", 0)


@pytest.mark.promise("C10")
def test_a_lock_that_is_held_says_by_whom(pair: Fleet, services: Services) -> None:
    services["api"] |= {"check": ["sleep", "infinity"], "check_timeout": "20s"}
    playing = pair.start("deploy", version=pair.next_versions()[0], services=services)
    pair.in_phase("app1", "preparing")
    holder = json.loads(pair.exec("app1", "cat", "/srv/delight/lock"))
    assert (holder["act"], holder["kind"]) == ("prepare", "deploy")
    assert {"pid", "since", "by", "release"} <= holder.keys()
    for _ in range(2):
        playing.signal(signal.SIGINT)
        until(lambda: "SIGINT" in playing.output, "it has heard the first signal")
    playing.end()
    pair.quiet()
    pair.play("recover").expect("recovered", 0)
