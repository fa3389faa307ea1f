"""What serves goes on serving, and nothing is lost, whatever became of a host's state file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.simulation.fleet import BLUE, Fleet, Gone
from tests.simulation.host import Host

pytestmark = pytest.mark.promise("C12")
LIVE = {"delight-api-blue-1", "delight-api-blue-2"}


def lose(host: Host) -> Path:
    """Move the state away, as somebody may have done by hand."""
    return (host.root / "state.json").rename(host.root / "moved-away.json")


def everything(host: Host) -> tuple[Any, ...]:
    return (host.engine.running(), host.engine.policies(), host.kept, dict(host.routes))


def test_a_state_that_is_gone_is_refused_before_anything_is_claimed(served: Fleet) -> None:
    lose(served.hosts["app1"])
    before = [everything(host) for host in served.hosts.values()]
    ended = served.deploy("v2")
    assert ended.status == 20
    root = served.hosts["app1"].root
    for said in (
        f"app1: {root}/state.json is missing, but {root}/edge/live.map names api-blue; ",
        "there are the containers delight-api-blue-1, delight-api-blue-2. ",
        f"Put {root}/state.json back",
        "run `docker rm -f delight-api-blue-1 delight-api-blue-2`, ",
        "`docker restart delight-edge`",
    ):
        assert said in ended.text
    assert [everything(host) for host in served.hosts.values()] == before
    assert served.hosts["app2"].state["run"] is None
    assert not (root / "state.json").exists()


def test_a_state_that_goes_in_the_middle_costs_nothing_that_serves(served: Fleet) -> None:
    app1 = served.hosts["app1"]
    before = everything(app1)

    def hook(act: str, host: str) -> None:
        if (act, host) == ("stage", "app1"):
            lose(app1)

    ended = served.run("deploy", before=hook, version="v2")
    assert ended.status == 22
    assert everything(app1)[0] >= LIVE
    assert app1.routes == before[3] == BLUE
    assert before[2] <= app1.kept


def test_the_way_out_leads_out(served: Fleet) -> None:
    app1 = served.hosts["app1"]
    file = lose(app1)
    assert served.deploy("v2").status == 20
    file.rename(app1.root / "state.json")
    assert served.deploy("v2").status == 0
    lose(app1)
    app1.engine.containers.clear()
    (app1.root / "edge/live.map").write_text("")
    app1.edge.maps["live.map"].clear()
    assert served.deploy("v3").status == 0
    assert app1.routes == BLUE


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}"])
def test_a_state_that_cannot_be_read_is_never_to_be_moved_away(served: Fleet, text: str) -> None:
    (served.hosts["app1"].root / "state.json").write_text(text)
    ended = served.deploy("v2")
    assert ended.status == 20
    assert "/app1/delight/state.json is no" in ended.text
    assert "put back a good copy from this host's backup" in ended.text
    assert "move it away" not in ended.text


def test_no_decision_is_taken_without_a_host_that_lost_its_state(served: Fleet) -> None:
    def dies(act: str, host: str) -> None:
        if act == "settle":
            raise Gone

    with pytest.raises(Gone):
        served.run("deploy", before=dies, version="v2")
    lose(served.hosts["app1"])
    ended = served.run("recover")
    assert ended.status == 22
    assert "app1: " in ended.text and "state.json is missing" in ended.text
    assert served.hosts["app2"].state["run"]["phase"] == "switched"
