"""What must be true of hosts at every moment, and what at rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simulation.edge import parse
from tests.simulation.host import Host


def serving(host: Host) -> None:
    """No request can fail: all that the running map names runs, answers, and is known to the edge."""
    for backend in set(host.runtime.values()):
        service, _, slot = backend.rpartition("-")
        found = [
            one for one in own(host)
            if (one["mine"].get("service"), one["mine"].get("slot")) == (service, slot)
        ]  # fmt: skip
        assert found, f"{backend} is in the map and has no container"
        for one in found:
            assert one["State"]["Running"], f"{one['Id']} is in the map and does not run"
            assert (
                one["mine"]["release"].rpartition("-")[0] not in host.sick
            ), f"{one['Id']} is in the map and sick"
        assert f"backend {backend} " in host.edge.backends, f"the edge does not know {backend}"


def own(host: Host) -> list[dict[str, Any]]:
    """The containers of the application whose host this is."""
    return [one for one in host.engine.containers.values() if one["mine"]["app"] == host.root.name]


def twice(hosts: Mapping[str, Host], services: Mapping[str, Any]) -> list[str]:
    """What must never run twice and does, a line each."""
    alone = {
        name for name, spec in services.items()
        if spec.get("singleton") and spec.get("overlap", True) is False
    }  # fmt: skip
    on = {
        name: [
            host for host, one in hosts.items()
            if any(one.engine.containers[c]["mine"].get("service") == name for c in one.engine.running())
        ]
        for name in alone
    }  # fmt: skip
    return [f"{name} runs on {', '.join(found)}" for name, found in on.items() if len(found) > 1]


def at_rest(hosts: Mapping[str, Host], release: str, finished: bool = True) -> None:
    """All serve `release` and nothing else is under way; a reboot would change nothing that serves.

    Until a deploy has `finished`, the edge may lack a backend that nothing is routed to yet.
    """
    for name, host in hosts.items():
        serving(host)
        state = host.state
        assert state["run"] is None, f"{name}: {state['run']}"
        assert state["live"] == release, f"{name}: {state['live']} is live, not {release}"
        assert parse((host.root / "edge/live.map").read_text()) == host.runtime, name
        loaded = (host.root / "edge/backends.cfg").read_text() == host.edge.backends
        assert loaded or not finished, f"{name}: the edge has not loaded its backends"
        live = {(s, held["live"]) for s, held in state["slots"].items() if held["live"]}
        cool = {(one["service"], one["slot"]) for one in state["cool"]}
        for container in own(host):
            slot = (container["mine"]["service"], container["mine"]["slot"])
            held = state["slots"].get(slot[0], {}).get(slot[1])
            assert held == container["mine"]["release"], f"{name}: {container['Id']} is left over"
            wanted = "unless-stopped" if slot in live else "no"
            assert (
                container["policy"] == wanted
            ), f"{name}: {container['Id']}: {container['policy']}"
            if slot not in cool:
                assert container["State"]["Running"] == (slot in live), f"{name}: {container['Id']}"
        assert not list((host.root / "releases").glob(".*")), name
        assert set(host.runtime.values()) <= {f"{s}-{slot}" for s, slot in live}, name
        assert told(host) == set(host.runtime.values()), name


def told(host: Host) -> set[str]:
    """The slots whose replicas are told that they are live."""
    files = (host.root / "slots").glob("*/slot")
    return {file.parent.name for file in files if file.read_text() == "live\n"}


def releases(hosts: Mapping[str, Host]) -> set[Any]:
    """What the hosts serve."""
    return {host.state["live"] for host in hosts.values()}
