"""Act `look`: everything a plan needs to know of a host. Reads, changes nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from . import docker, files, lease, owner, store
from .edge import Edge, EdgeError, name_of

CGROUPS = Path("/sys/fs/cgroup/system.slice")


def look(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """The state, the kept releases, the map in file and runtime, the containers, the room left.

    `held` is the lease of another process that works here (see `lease`), None where nobody does.
    `problems` are lines a person can act on; with any of them a host is not ready to deploy. `environment` is
    the one that it belongs to, None before there is one: a host of another one is refused here, for every run.
    """
    if theirs := owner.refusal(at.root, params["environment"]):
        raise store.Refused("refused", theirs)
    held = at.lease.other(params.get("wait_s", lease.WAIT_S))
    edge = Edge(at.root)
    problems = []
    running: list[dict[str, Any]] = []
    runtime: dict[str, str] | None = None
    loaded = ""
    try:
        running = [
            {**c, "memory": memory_of(c["id"])}
            for c in docker.containers(at.app)
            if c["slot"] in store.SLOTS
        ]
    except docker.DockerError as error:
        problems.append(f"{error}; run provision.yml")
    if not (at.root / "edge").is_dir():
        problems.append(f"{at.root}/edge does not exist; run provision.yml")
    else:
        try:
            runtime = edge.read_runtime()
            loaded = edge.loaded()
        except EdgeError as error:
            problems.append(str(error))
    backends = files.read_text(edge.backends_file) or ""
    boot_id, _ = store.boot()
    return {
        "outcome": "ok",
        "held": held,
        "environment": owner.owner(at.root),
        "state": at.load(),
        "releases": at.manifests(),
        "map": {"file": edge.read_file() or {}, "runtime": runtime},
        "backends": {"file": backends, "loaded": loaded == name_of(backends)},
        "containers": running,
        "room": room(at.root),
        "boot": boot_id,
        "problems": problems,
    }


def room(root: Path) -> dict[str, int]:
    """Bytes of memory and disk, and inodes, that are free for a new slot."""
    memory = Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]
    folder = Path("/var/lib/docker")
    while not folder.exists():
        folder = folder.parent
    inodes = os.statvfs(folder).f_favail
    return {
        "memory": int(memory) * 1024,
        "disk": min(shutil.disk_usage(p).free for p in (folder, existing(root))),
        "inodes": inodes,
    }


def memory_of(container_id: str) -> int:
    """Bytes of memory that a container takes now; 0 where it does not run, or nobody says."""
    try:
        return int((CGROUPS / f"docker-{container_id}.scope/memory.current").read_text())
    except (OSError, ValueError):
        return 0


def existing(path: Path) -> Path:
    """The nearest folder at or above `path` that exists."""
    while not path.exists():
        path = path.parent
    return path
