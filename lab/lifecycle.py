"""The life of an inventory's hosts: up, stop, clean, reboot."""

import contextlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from lab import cgroups, hosts, keys, paths, shell
from lab.errors import LabError
from lab.inventory import Fleet, Host

T = TypeVar("T")
MEMORY_PER_HOST = 256  # MiB; an idle host with its engine takes a fifth of this


def each(fleet: Fleet, act: Callable[[Host], T]) -> list[T]:
    """Run an act on all hosts at once; the first failure is raised after all have ended."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        futures = [pool.submit(act, host) for host in fleet.hosts]
    return [future.result() for future in futures]


def up(fleet: Fleet) -> dict[str, str]:
    """Make or start every host and pin its keys; return what was done per host."""
    paths.IMAGE_TARS.mkdir(parents=True, exist_ok=True)
    _check_memory(fleet)
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


def stop(fleet: Fleet) -> list[str]:
    """Shut the hosts down; their data stays. Return the containers that were running."""
    running = [name for name in _names("container", fleet) if _state(name)[0] == "running"]
    if running:
        shell.run(["docker", "stop", *running])
    return running


def clean(fleet: Fleet) -> list[str]:
    """Remove all that `up` made for this inventory folder; return the names removed."""
    removed = []
    for kind in ("container", "volume", "network"):
        names = _names(kind, fleet)
        if names:
            shell.run(hosts.removal(kind, names))
            removed += names
        if kind == "container":
            for name in {*names, *(fleet.container(host) for host in fleet.hosts)}:
                cgroups.detect().remove(name)
    if built := _built_images(fleet):
        shell.run(["docker", "image", "rm", "--force", *built])
        removed += built
    fleet.known_hosts.unlink(missing_ok=True)
    for name in ("id_ed25519", "id_ed25519.pub", "provisioned"):
        (paths.env_dir(fleet.env) / name).unlink(missing_ok=True)
    shutil.rmtree(paths.env_dir(fleet.env) / "log", ignore_errors=True)
    with contextlib.suppress(OSError):  # it may hold what others put there
        paths.env_dir(fleet.env).rmdir()
    return removed


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


def _names(kind: str, fleet: Fleet) -> list[str]:
    return shell.run(hosts.listing(kind, fleet)).split()


def _built_images(fleet: Fleet) -> list[str]:
    """Images that were built on this machine for the fleet's registry."""
    if fleet.registry is None:
        return []
    form = "{{.Repository}}:{{.Tag}}"
    names = shell.run(["docker", "image", "ls", "--format", form, f"{fleet.registry}/*"]).split()
    return [name for name in names if not name.endswith(":<none>")]


def _network(fleet: Fleet) -> None:
    if fleet.network in _names("network", fleet):
        return
    try:
        shell.run(hosts.network(fleet))
    except LabError as error:
        if "overlaps" in str(error) or "already exists" in str(error):
            raise LabError(
                f"network {fleet.network} ({fleet.subnet}) clashes with one that is there:"
                f" `docker network ls`; remove it, or change {fleet.directory}/hosts.yml"
            ) from error
        raise


def _check_memory(fleet: Fleet) -> None:
    """Refuse before a host is made that this machine has no memory for."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        free = int(line.split()[1]) // 1024
        present = set(_names("container", fleet))
        new = [host for host in fleet.hosts if fleet.container(host) not in present]
        if free < MEMORY_PER_HOST * len(new):
            raise LabError(
                f"{len(new)} hosts need {MEMORY_PER_HOST * len(new)} MiB of memory,"
                f" {free} MiB are free: stop something, or use fewer hosts"
            )
