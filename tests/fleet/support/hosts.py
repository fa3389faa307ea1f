"""The fleet of the stories: real hosts, and the playbooks as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.fleet.support import invariants
from tests.fleet.support.playing import PATIENCE_S, ROOT, Playing, Run

BIN = Path(sys.executable).parent
INVENTORY = ROOT / "tests/fleet/inventory"
SOLO = ROOT / "tests/fleet/solo"
# Tasks that wait for the file GO on every host, between the gate and the switch.
HOOKS = ROOT / "tests/fleet/hooks"
GO = "/run/before-switch"
# What an agent looks like in a host's list of processes, and nothing else does.
AGENT = "import sys; [e]xec"
COMMAND_S = 60  # no command in a host may take longer
OBSERVE = (ROOT / "tests/fleet/support/observe.py").read_text()
# Enough that the next one is never the one that the other slot still holds.
VERSIONS = ("v1", "v2", "v3", "v4", "v5")


class Fleet:
    """Application hosts that share one release; `inventory` is the folder given to -i."""

    def __init__(self, inventory: Path, hosts: dict[str, str], url: str) -> None:
        self.inventory = inventory
        self.hosts = hosts  # {name: private address}
        self.url = url
        self._results = Path(tempfile.mkdtemp(prefix="fleet-"))
        self._playing: list[Playing] = []
        self._plain: set[str] = set()  # releases of a version with the services as declared

    def start(
        self, playbook: str, *args: str, prefix: tuple[str, ...] = (), **extra: Any
    ) -> Playing:
        """Start a playbook; `extra` are extra variables, `prefix` runs before the command."""
        result_file = self._results / f"{len(self._playing)}.json"
        variables = json.dumps({"result_file": str(result_file), **extra})
        argv = [
            *prefix,
            str(BIN / "ansible-playbook"),
            f"{playbook}.yml",
            "-i",
            str(self.inventory),
        ]
        environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "ANSIBLE_FORCE_COLOR": "0",
        }
        self._playing.append(Playing([*argv, "-e", variables, *args], environment, result_file))
        return self._playing[-1]

    def play(self, playbook: str, *args: str, **extra: Any) -> Run:
        """Run a playbook to its end."""
        return self.start(playbook, *args, **extra).end()

    def deploy(self, version: str, *args: str, **extra: Any) -> Run:
        """Deploy a version of the test application."""
        run = self.play("deploy", *args, version=version, **extra)
        if version in VERSIONS and not (extra or args) and run.result.get("to"):
            self._plain.add(run.result["to"])
        return run

    def rollback(self, *args: str, **extra: Any) -> Run:
        return self.play("rollback", *args, **extra)

    def exec(self, host: str, *command: str, check: bool = True, text: str | None = None) -> str:
        """Run a command as root in a host and return what it printed."""
        argv = ["docker", "exec", "-i", f"delight-fleet-{host}", *command]
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, input=text, timeout=COMMAND_S
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def state(self, host: str) -> dict[str, Any]:
        """The recorded state of a host."""
        path = "/srv/delight/state.json"
        said = self.exec(host, "sh", "-c", f"[ ! -e {path} ] || cat {path}")
        found: dict[str, Any] = json.loads(said or '{"live": null, "run": null, "slots": {}}')
        return found

    def ask(self, host: str, path: str = "/") -> dict[str, Any]:
        """One answer of a host's own edge; empty where there is none."""
        answer = self.exec(host, "curl", "-s", "-m", "5", f"http://127.0.0.1{path}", check=False)
        try:
            found: dict[str, Any] = json.loads(answer)
        except ValueError:
            return {}
        return found

    def version(self) -> str:
        """The version that serves, as the first host has it recorded."""
        return str(self.live()).split("-", 1)[0]

    def live(self) -> str | None:
        """The release that serves, as the first host has it recorded."""
        found: str | None = self.state(min(self.hosts))["live"]
        return found

    def next_versions(self, count: int = 1) -> list[str]:
        """The versions that come after the one that serves: none of them has a slot."""
        now = self.version()
        at = VERSIONS.index(now) if now in VERSIONS else -1
        return [VERSIONS[(at + n) % len(VERSIONS)] for n in range(1, count + 1)]

    def serves(self, version: str) -> None:
        """Wait until every host's own edge answers as `version`; the load proves the rest."""
        for host in self.hosts:
            until(lambda h=host: self.ask(h).get("version") == version, f"{host} serves {version}")  # type: ignore[misc]

    def containers(self, host: str) -> dict[str, str]:
        """{name: release} of every application container on a host that runs or is half made."""
        form = '{{.Names}} {{.Label "delight.release"}}'
        labels = ["--filter", "label=delight.slot", "--filter", "status=running"]
        half = ["--filter", "status=created", "--filter", "status=restarting"]
        lines = self.exec(host, "docker", "ps", "-a", *labels, *half, "--format", form).splitlines()
        return dict(line.split(" ", 1) for line in lines if line.strip())

    def observe(self) -> dict[str, dict[str, Any]]:
        """{host: what it looks like, asked without the engine}."""
        with ThreadPoolExecutor() as pool:
            said = pool.map(
                lambda host: self.exec(host, "python3", "-", text=OBSERVE), sorted(self.hosts)
            )
        return {host: json.loads(text) for host, text in zip(sorted(self.hosts), said, strict=True)}

    def broken(self, *, at_rest: bool = True) -> list[str]:
        """The rules that do not hold; a check that the edge has under way is waited for."""
        found: list[str] = []

        def told() -> bool:
            found[:] = invariants.broken(self.observe(), at_rest=at_rest)
            return not found or any(": the edge sees " not in line for line in found)

        with suppress(AssertionError):
            until(told, "the edge finds every live server well", 20)
        return found

    def converged(self, version: str) -> None:
        """Everything is as it must be at rest, with `version` on every host."""
        assert self.broken() == []
        self.serves(version)

    def quiet(self) -> None:
        """Wait until no act of a dead controller works on any host any more."""
        for host in self.hosts:
            self.exec(host, "flock", "-w", str(COMMAND_S), "/srv/delight/lock", "true")

    def in_phase(self, host: str, *phases: str) -> None:
        """Wait until the open run of a host has recorded that it is in one of `phases`."""

        def there() -> bool:
            run = self.state(host)["run"]
            return bool(run) and run["phase"] in phases

        until(there, f"the run on {host} is {' or '.join(phases)}")

    def reset(self) -> None:
        """Have the declared services of some version at rest, whatever went on here before."""
        for playing in self._playing:
            playing.kill()
        self.quiet()
        if self.live() in self._plain and not self.broken():
            return
        run = self.deploy(self.next_versions()[0])
        assert run.status == 0, run.output
        assert self.broken() == [], run.output

    def ids(self, app: str = "delight") -> dict[str, list[str]]:
        """{host: ids of all containers of an application}, to see whether any was touched."""
        filters = ["--filter", "label=delight.slot", "--format", "{{.Names}} {{.ID}} {{.State}}"]
        said = {h: self.exec(h, "docker", "ps", "-a", *filters).splitlines() for h in self.hosts}
        return {
            h: sorted(li for li in lines if li.startswith(f"{app}-")) for h, lines in said.items()
        }


def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until `condition` holds; fails with `what` did not come true."""
    deadline = time.monotonic() + patience_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience_s} s: {what}"
        pause.wait(0.1)


@contextmanager
def held_lock(fleet: Fleet, host: str) -> Iterator[None]:
    """Hold a host as a process does that does not say who it is; a run may look at it and no more."""
    mark = "/run/held"
    fleet.exec(host, "rm", "-f", mark)
    script = f"flock --shared /srv/delight/lock sh -c 'touch {mark}; exec cat'"
    argv = ["docker", "exec", "-i", f"delight-fleet-{host}", "sh", "-c", script]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        until(lambda: "held" in fleet.exec(host, "ls", "/run"), f"the lock of {host} is held")
        yield
    finally:
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait(30)


@contextmanager
def frozen(fleet: Fleet, host: str) -> Iterator[None]:
    """Keep a host's agent from doing what it is asked for, until the block ends."""
    fleet.exec(host, "pkill", "-STOP", "-f", AGENT)
    try:
        yield
    finally:
        fleet.exec(host, "pkill", "-CONT", "-f", AGENT, check=False)


@contextmanager
def one_switched(fleet: Fleet, version: str, services: dict[str, Any]) -> Iterator[Playing]:
    """A deploy whose first host has switched; the second one is asked to, and does not until the block ends."""
    for host in fleet.hosts:
        fleet.exec(host, "rm", "-f", GO)
    playing = fleet.start("deploy", version=version, services=services, hooks=str(HOOKS))
    fleet.in_phase("app2", "staged")
    with frozen(fleet, "app2"):
        for host in fleet.hosts:
            fleet.exec(host, "touch", GO)
        fleet.in_phase("app1", "switched")
        yield playing
