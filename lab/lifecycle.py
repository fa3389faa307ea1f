"""The life of an inventory's hosts: up, stop, reboot."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from lab import cgroups, checkout, engine, hosts, keys, paths, shell
from lab.errors import LabError
from lab.inventory import Fleet, Host

T = TypeVar("T")
MEMORY_PER_HOST = 256  # MiB; an idle host with its engine takes a fifth of this


def each(fleet: Fleet, act: Callable[[Host], T]) -> list[T]:
    """Run an act on all hosts at once; the first failure is raised after all have ended."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        futures = [pool.submit(act, host) for host in fleet.hosts]
    return [future.result() for future in futures]


def begin(fleet: Fleet) -> list[str]:
    """An engine in which no other checkout has hosts of these names; return what was done for that."""
    did = engine.ensure()
    return ([] if did == "running" else [did]) + checkout.claim(fleet)


def up(fleet: Fleet) -> dict[str, str]:
    """Make or start every host and pin its keys; return what was done per host."""
    paths.IMAGE_TARS.mkdir(parents=True, exist_ok=True)
    there = {(one.kind, one.name) for one in checkout.found(fleet.network)}
    _check_memory([h for h in fleet.hosts if ("container", fleet.container(h)) not in there])
    if ("network", fleet.network) not in there:
        _network(fleet)
    public = keys.ensure(fleet.env)

    def one(host: Host) -> tuple[str, list[str]]:
        did = _start(fleet, host)
        return did, hosts.pinned(host, _ready(fleet, host, public))

    results = each(fleet, one)
    lines = [line for _, pinned in results for line in pinned]
    known = fleet.known_hosts.read_text() if fleet.known_hosts.exists() else ""
    keys.write_if_changed(fleet.known_hosts, hosts.merged(known, lines))
    return {host.name: did for host, (did, _) in zip(fleet.hosts, results, strict=True)}


def stop(network: str = "") -> list[str]:
    """Shut this checkout's hosts down, of one fleet or all; return the containers that were running.

    Their data stays. An engine that does not answer runs none.
    """
    there = checkout.found(network) if engine.running() else []
    names = [one.name for one in there if one.kind == "container" and not one.theirs]
    running = sorted(name for name in names if _state(name)[0] == "running")
    if running:
        shell.run(["docker", "stop", *running])
    return running


def reboot(fleet: Fleet, host: Host) -> None:
    """Shut one host down in good order, start it and wait until it is back."""
    name = fleet.container(host)
    shell.run(["docker", "stop", name])
    cgroups.detect().remove(name)
    cgroups.detect().make(name)
    shell.run(["docker", "start", name])
    _ready(fleet, host, keys.ensure(fleet.env))


def _start(fleet: Fleet, host: Host) -> str:
    name = fleet.container(host)
    state, shape = _state(name)
    groups = cgroups.detect()
    if state and shape != hosts.shape(fleet, host):
        raise LabError(
            f"{name} was made from another hosts.yml: `python -m lab clean {fleet.directory}`"
            " first (its data goes with it)"
        )
    if state == "running":
        return "running"
    groups.make(name)
    if state:
        _checked(["docker", "start", name], fleet, host)
        return "started"
    shell.run(hosts.make_volume(fleet, host))
    try:
        _checked(hosts.create(fleet, host, groups), fleet, host)
    except LabError:
        shell.attempt(hosts.removal("container", [name]))
        raise
    return "made"


def _checked(argv: list[str], fleet: Fleet, host: Host) -> None:
    """Start a host; the two usual reasons why it can't get a line of their own."""
    try:
        shell.run(argv)
    except LabError as error:
        text = str(error)
        if "already allocated" in text or "address already in use" in text:
            ports = ", ".join((f"127.0.0.1:{host.ssh_port}", *host.publish))
            raise LabError(
                f"{host.name}: a port is taken (of {ports}): stop what listens there, or change"
                f" it in {fleet.directory}/hosts.yml"
            ) from error
        raise


def _ready(fleet: Fleet, host: Host, public: str) -> str:
    """Wait for sshd and, if installed, dockerd; return the host keys."""
    name = fleet.container(host)
    done = shell.attempt(hosts.prepare(name), public.encode(), timeout=120)
    if done.returncode == 0:
        return done.stdout.decode()
    state, _ = _state(name)
    if state != "running":
        raise LabError(f"{host.name} does not boot ({state}): see `docker logs {name}`")
    said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
    raise LabError(f"{host.name}: {said}: see `docker exec {name} journalctl -b`")


def _state(name: str) -> tuple[str, str]:
    """A container's status and shape; two empty strings when there is none."""
    done = shell.attempt(hosts.inspect(name))
    status, _, shape = done.stdout.decode().strip().partition(" ")
    return (status, shape) if done.returncode == 0 else ("", "")


def _network(fleet: Fleet) -> None:
    try:
        shell.run(hosts.network(fleet))
    except LabError as error:
        if "overlaps" in str(error) or "already exists" in str(error):
            raise LabError(
                f"network {fleet.network} ({fleet.subnet}) clashes with one that is there:"
                f" `docker network ls`; remove it, or change {fleet.directory}/hosts.yml"
            ) from error
        raise


def _check_memory(new: list[Host]) -> None:
    """Refuse before a host is made that this machine has no memory for."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        free = int(line.split()[1]) // 1024
        if free < MEMORY_PER_HOST * len(new):
            raise LabError(
                f"{len(new)} hosts need {MEMORY_PER_HOST * len(new)} MiB of memory,"
                f" {free} MiB are free: stop something, or use fewer hosts"
            )
