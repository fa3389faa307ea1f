"""What would make a release fail later, found in the plan: connections, memory, disk, inodes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from delight.host.addresses import other
from delight.schema import Settings
from delight.units import human

Looks = Mapping[str, Mapping[str, Any]]


def lacks(
    manifest: Mapping[str, Any], plans: Mapping[str, Any], looks: Looks, settings: Settings
) -> list[str]:
    """Reasons why staging could not end well, found before it begins."""
    reasons = [
        r for host in sorted(plans) for r in short_of_room(host, manifest, plans, looks, settings)
    ]
    hosts = len(plans)
    needed = 2 * sum(
        spec["db_connections"] * spec["replicas"] * (1 if spec["singleton"] else hosts)
        for spec in manifest["services"].values()
    )
    limit = settings.database_max_connections
    if limit and needed > limit:
        reasons.append(
            f"database: both slots on {hosts} hosts may open {needed} connections, the server allows "
            f"{limit}: lower services.*.db_connections or replicas, or raise database_max_connections"
        )
    return reasons


def short_of_room(
    host: str,
    manifest: Mapping[str, Any],
    plans: Mapping[str, Any],
    looks: Looks,
    settings: Settings,
) -> list[str]:
    """What a host lacks for its new slots and workers."""
    room, reasons = looks[host]["room"], []
    needed = 0
    free = room["memory"]
    for one in plans[host]["stage"] + plans[host]["workers"]:
        spec = manifest["services"][one["service"]]
        there = in_slot(looks[host], one["service"], one["slot"])
        if sum(c["running"] and c["release"] == manifest["id"] for c in there) == spec["replicas"]:
            continue  # it runs already, as a warm slot does
        needed += spec["memory_b"] * spec["replicas"]
        free += sum(c["memory"] for c in there)  # what it holds is stopped first
        if not spec["port"] and not spec["overlap"]:
            old = other(one["slot"])
            free += sum(c["memory"] for c in in_slot(looks[host], one["service"], old))
    if needed and free < needed + settings.memory_margin:
        reasons.append(
            f"{host}: the new slots may take {human(needed)} of memory and {human(settings.memory_margin)} "
            f"must stay free, but {human(free)} is: lower services.*.memory or replicas, or give the host "
            "more"
        )
    if room["disk"] < settings.disk_free:
        reasons.append(
            f"{host}: {human(room['disk'])} of disk is free, {human(settings.disk_free)} is needed for "
            "the kept releases: free some, or lower release_keep or release_disk_free"
        )
    if room["inodes"] < settings.inodes_free:
        reasons.append(
            f"{host}: {room['inodes']} inodes are free, {settings.inodes_free} are needed for the kept "
            "releases: remove small files, or lower release_keep or release_inodes_free"
        )
    return reasons


def in_slot(look: Mapping[str, Any], service: str, slot: str) -> list[Mapping[str, Any]]:
    """The containers of a slot."""
    return [c for c in look["containers"] if (c["service"], c["slot"]) == (service, slot)]
