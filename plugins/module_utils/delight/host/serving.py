"""What serves on this host. No act stops, removes or prunes it, whatever the state file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import docker
from .addresses import SLOT_DIGITS, backend
from .edge import Edge, EdgeError

# Phases of an open run in which the map may already name the new slots: they are to stay, and what
# the state still records as live is to go.
MOVED = {"switched", "moving", "moved", "sealed", "settling"}


def named(edge: Edge, state: dict[str, Any]) -> set[str]:
    """Names (`api-blue`) of the slots that the map's file, the running edge or the state calls live.

    Raises EdgeError where the edge does not answer: then nobody can say what serves.
    """
    return {*(edge.read_file() or {}).values(), *edge.read_runtime().values(), *recorded(state)}


def recorded(state: dict[str, Any]) -> set[str]:
    """Names of the slots that are live by the state, less those that an open run has replaced."""
    run = state["run"]
    moved = run is not None and run["phase"] in MOVED
    found = set()
    for service, held in state["slots"].items():
        slot = held["live"]
        replaced = moved and (
            service in run.get("gone", []) or run.get("slots", {}).get(service, slot) != slot
        )
        if slot and not replaced:
            found.add(backend(service, slot))
    return found


def traces(root: Path) -> list[str]:
    """What shows that this host has served, one clause each: entries of its maps, and containers.

    For a host without a state file. An engine or an edge that does not answer shows nothing.
    """
    edge = Edge(root)
    found = []
    if written := set((edge.read_file() or {}).values()):
        found.append(f"{edge.map_file} names {', '.join(sorted(written))}")
    try:
        running = set(edge.read_runtime().values())
    except EdgeError:
        running = set()
    if running - written:
        found.append(f"the running edge names {', '.join(sorted(running))}")
    if mine := containers(root):
        found.append(f"there are the containers {', '.join(mine)}")
    return found


def containers(root: Path) -> list[str]:
    """Names of the containers of slots that are here, running or not; none where the engine does not answer."""
    try:
        return [c["name"] for c in docker.containers(root.name) if c["slot"] in SLOT_DIGITS]
    except docker.DockerError:
        return []
