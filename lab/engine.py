"""The outer Docker engine and its command line plugins."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from lab import apt, paths, shell
from lab.errors import LabError

PLUGINS = ("docker-buildx", "docker-compose")
START_TIMEOUT = 60  # seconds


def running() -> bool:
    """Whether an engine answers on the socket that the docker command uses."""
    return shell.succeeds(["docker", "version", "--format", "{{.Server.Version}}"])


def ensure() -> str:
    """Make sure that an engine and its plugins are there; return what was done."""
    did = []
    if not running():
        did.append(_install_and_start())
    missing = [name for name in PLUGINS if not _has_plugin(name)]
    if missing:
        _fetch_plugins(missing)
        did.append(f"unpacked {' and '.join(missing)}")
    return ", ".join(did) or "running"


def awake() -> bool:
    """Whether an engine answers, after one that the lab has used was started; installs nothing."""
    if running():
        return True
    if not paths.LAB.exists() or shutil.which("docker") is None:
        return False
    _start()
    return True


def _has_plugin(name: str) -> bool:
    return shell.succeeds(["docker", name.removeprefix("docker-"), "version"])


def _fetch_plugins(names: list[str]) -> None:
    paths.CLI_PLUGINS.mkdir(parents=True, exist_ok=True)
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.CACHE) as folder:
        tree = Path(folder)
        apt.unpack(names, tree)
        for name in names:
            found = next(tree.rglob(f"cli-plugins/{name}"), None)
            if found is None:
                raise LabError(f"Debian's package {name} has no plugin in it")
            shutil.move(str(found), paths.CLI_PLUGINS / name)


def _install_and_start() -> str:
    if shutil.which("dockerd") is None:
        apt.install(["docker.io", "iptables"])
    if shutil.which("docker") is None:
        apt.install(["docker-cli"])
    if running():
        return "installed docker.io"
    _start()
    return "started dockerd"


def _start() -> None:
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        raise LabError("no Docker engine answers: start it, or run this as root")
    if Path("/run/systemd/system").exists():
        shell.run(["systemctl", "start", "docker"])
    else:
        _start_detached()


def _start_detached() -> None:
    """Start dockerd in a session of its own, so that it outlives this process."""
    paths.LAB.mkdir(exist_ok=True)
    with paths.DOCKERD_LOG.open("ab") as log:
        process = subprocess.Popen(
            ["dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    paths.DOCKERD_PID.write_text(f"{process.pid}\n")
    deadline = time.monotonic() + START_TIMEOUT
    while not running():
        if process.poll() is not None or time.monotonic() > deadline:
            last = paths.DOCKERD_LOG.read_text(errors="replace").strip().splitlines()[-1:]
            raise LabError(f"dockerd does not start: {' '.join(last)} (see {paths.DOCKERD_LOG})")
        time.sleep(0.1)
