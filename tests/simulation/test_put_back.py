"""Runs that do not stand: signals at each act, sick replicas, and what is shown of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from delight.host import docker, gate

from tests.simulation.fleet import BLUE, GREEN, SERVICES, WORK, Ended, Fleet, Hook
from tests.simulation.host import Host

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def exits_in(**where: str) -> Callable[[dict[str, Any]], str]:
    """A program that exits at once in containers of a slot or a service."""
    return lambda one: "exits" if where.items() <= one["mine"].items() else "healthy"


def signal_at(fleet: Fleet, name: str, moment: str) -> Hook:
    """A signal for the run at work as the first host is asked for the act `moment`."""

    def hook(act: str, host: str) -> None:
        if (act, host) == (moment, "app1"):
            fleet.sessions[fleet.operator].stopped = f"{name} asked for it"

    return hook


def everything(ended: Ended) -> str:
    """All that a run has told, to whomever."""
    return json.dumps([ended.result, ended.acts, ended.said]) + ended.text


def at_rest(host: Host, slot: str) -> None:
    """Everything serves from `slot`, a boot starts it alone, and no run is open."""
    assert host.routes == (BLUE if slot == "blue" else GREEN)
    assert host.state["run"] is None
    assert host.state["slots"]["api"]["live"] == slot
    for name, policy in host.engine.policies().items():
        assert policy == ("unless-stopped" if f"api-{slot}" in name else "no"), name
    assert {f"delight-api-{slot}-1", f"delight-api-{slot}-2"} <= host.engine.running()


@pytest.mark.promise("R2", "R8")
@pytest.mark.parametrize("phase", ["lock", "prepare", "stage", "switch", "settle"])
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_puts_back_until_the_release_stands_and_then_it_is_finished(
    served: Fleet, name: str, phase: str
) -> None:
    ended = served.run("deploy", before=signal_at(served, name, phase), version="v2")
    stands = phase == "settle"
    assert ended.status == (0 if stands else 21)
    for host in served.hosts.values():
        at_rest(host, "green" if stands else "blue")
    if not stands:
        assert ended.text.startswith("ROLLED BACK: v1-")
        assert f"stopped: {name} asked for it" in ended.text


@pytest.mark.promise("R8")
def test_a_signal_before_anything_is_claimed_refuses(served: Fleet) -> None:
    ended = served.run("deploy", before=signal_at(served, "SIGTERM", "look"), version="v2")
    assert ended.status == 20
    assert ended.text.startswith("REFUSED: nothing was touched\n  stopped: SIGTERM asked for it")
    assert ended.acts == {}
    for host in served.hosts.values():
        at_rest(host, "blue")


@pytest.mark.promise("R1")
@pytest.mark.parametrize("sick", [["app1"], ["app2"], ["app1", "app2"]])
def test_a_gate_that_fails_on_any_host_moves_no_traffic_anywhere(
    served: Fleet, sick: list[str]
) -> None:
    for name in sick:
        served.hosts[name].engine.program = exits_in(slot="green")
    ended = served.deploy("v2")
    assert ended.status == 21
    assert "switch" not in ended.acts
    for host in served.hosts.values():
        at_rest(host, "blue")
        assert len(host.engine.containers) == 2
    reason = f"  {', '.join(sick)}: delight-api-green-1: its container exited with status 1"
    assert reason in ended.text.splitlines()[-1]


@pytest.mark.promise("R2")
def test_a_worker_that_is_sick_puts_back_the_traffic_too(served: Fleet) -> None:
    served.services = {**SERVICES, "work": WORK}
    assert served.deploy("v2").status == 0
    host = served.hosts["app2"]
    host.engine.program = exits_in(service="work", slot="green")
    ended = served.deploy("v3")
    assert ended.status == 21
    assert "app2: delight-work-green-1: its container exited with status 1" in ended.text
    for one in served.hosts.values():
        assert one.routes == GREEN
        assert "delight-work-blue-1" in one.engine.running()
        assert one.engine.policies()["delight-work-blue-1"] == "unless-stopped"
        assert not [n for n in one.engine.containers if n.startswith("delight-work-green")]


@pytest.mark.promise("S3", "G4")
def test_nothing_that_is_shown_of_a_sick_replica_tells_its_secrets(
    served: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = "dsn postgresql://u:hunter22@db/x, password hunter22"
    said = gate.Answer(200, json.dumps({"release": "hunter22"}))
    monkeypatch.setattr(gate, "probe", lambda *args, **more: said)
    host = served.hosts["app1"]
    host.engine.log = f"{log}\nsecond line"
    create = host.engine.create

    def with_health(name: str, labels: dict[str, str]) -> Any:
        found = create(name, labels)
        found["State"]["Health"] = {"Log": [{"ExitCode": 1, "Output": f"no: {log}"}]}
        return found

    monkeypatch.setattr(host.engine, "create", with_health)
    ended = served.deploy("v2")
    assert ended.status == 21
    assert "hunter22" not in everything(ended)
    assert "it answers as release '••••••', not 'v2-" in ended.text
    assert 'last answer: 200 {"release": "••••••"}' in ended.text
    assert "│ dsn ••••••, password ••••••" in ended.text
    assert "│ second line" in ended.text
    assert "health log: exit 1: no: dsn ••••••" in ended.text
    journal = (host.root / "journal.jsonl").read_text()
    assert "it answers as release" in journal and "hunter22" not in journal


@pytest.mark.promise("S3")
def test_what_compose_says_is_shown_without_secrets(
    served: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compose(argv: list[str], variables: dict[str, str]) -> None:
        raise docker.DockerError("no room for hunter22")

    monkeypatch.setattr(docker, "compose", compose)
    ended = served.deploy("v2")
    assert ended.status == 21
    assert "app1, app2: the new slot could not be started: no room for ••••••" in ended.text
    assert "hunter22" not in everything(ended)
