"""The fleet of the stories: real hosts, and the playbooks as a user types them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
INVENTORY = ROOT / "tests/fleet/inventory"
PATIENCE_S = 120


@dataclass
class Run:
    """One ended playbook: its status, what it printed, and its result file."""

    status: int
    output: str
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return str(self.result.get("outcome", "no result"))

    def expect(self, outcome: str, status: int) -> Run:
        """This run, if it ended so; otherwise all it printed."""
        assert (self.outcome, self.status) == (outcome, status), self.output
        return self


class Playing:
    """A playbook on its way; its output can be waited for and it can be signalled."""

    def __init__(self, argv: list[str], environment: dict[str, str], result_file: Path) -> None:
        self._result_file = result_file
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def until(self, text: str) -> None:
        """Wait until the playbook has printed `text`."""
        with self._changed:
            done = self._changed.wait_for(
                lambda: text in self.output or not self._reader.is_alive(), PATIENCE_S
            )
        assert done and text in self.output, self.output

    def signal(self, number: int) -> None:
        """Signal the controller; Ctrl-C goes to its whole process group, as from a terminal."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            os.kill(self.process.pid, number)

    def end(self) -> Run:
        """Wait for its end."""
        self.process.wait(PATIENCE_S * 3)
        self._reader.join(10)
        result = {}
        if self._result_file.exists():
            result = json.loads(self._result_file.read_text())
        return Run(self.process.returncode, self.output, result)


class Fleet:
    """Application hosts that share one release; `inventory` is the folder given to -i."""

    def __init__(self, inventory: Path, hosts: dict[str, str], url: str) -> None:
        self.inventory = inventory
        self.hosts = hosts  # {name: private address}
        self.url = url
        self._results = Path(tempfile.mkdtemp(prefix="fleet-"))
        self._count = 0

    def start(self, playbook: str, *args: str, **extra: Any) -> Playing:
        """Start a playbook; `extra` are extra variables."""
        self._count += 1
        result_file = self._results / f"{self._count}.json"
        variables = json.dumps({"result_file": str(result_file), **extra})
        argv = [str(BIN / "ansible-playbook"), f"{playbook}.yml", "-i", str(self.inventory)]
        environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "ANSIBLE_FORCE_COLOR": "0",
        }
        return Playing([*argv, "-e", variables, *args], environment, result_file)

    def play(self, playbook: str, *args: str, **extra: Any) -> Run:
        """Run a playbook to its end."""
        return self.start(playbook, *args, **extra).end()

    def deploy(self, version: str, *args: str, **extra: Any) -> Run:
        return self.play("deploy", *args, version=version, **extra)

    def rollback(self, *args: str, **extra: Any) -> Run:
        return self.play("rollback", *args, **extra)

    def exec(self, host: str, *command: str, check: bool = True, text: str | None = None) -> str:
        """Run a command as root in a host and return what it printed."""
        argv = ["docker", "exec", "-i", f"delight-fleet-{host}", *command]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, input=text)
        assert done.returncode == 0 or not check, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def state(self, host: str) -> dict[str, Any]:
        """The recorded state of a host."""
        found: dict[str, Any] = json.loads(self.exec(host, "cat", "/srv/delight/state.json"))
        return found

    def served(self) -> dict[str, dict[str, Any]]:
        """{host: what the application behind that host's own edge says of itself}."""
        return {host: self.ask(host) for host in self.hosts}

    def ask(self, host: str) -> dict[str, Any]:
        """One answer of a host's own edge; empty where there is none."""
        answer = self.exec(host, "curl", "-s", "-m", "5", "http://127.0.0.1/", check=False)
        try:
            found: dict[str, Any] = json.loads(answer)
        except ValueError:
            return {}
        return found

    def versions(self) -> dict[str, str]:
        """{host: version it serves}."""
        return {host: str(said.get("version", "nothing")) for host, said in self.served().items()}

    def containers(self, host: str) -> dict[str, str]:
        """{name: release} of every application container on a host that runs or is half made."""
        form = '{{.Names}} {{.Label "delight.release"}}'
        labels = ["--filter", "label=delight.slot", "--filter", "status=running"]
        half = ["--filter", "status=created", "--filter", "status=restarting"]
        lines = self.exec(host, "docker", "ps", "-a", *labels, *half, "--format", form).splitlines()
        return dict(line.split(" ", 1) for line in lines if line.strip())

    def converged(self, version: str) -> None:
        """One release everywhere, no open run, no container that no slot accounts for."""
        assert set(self.versions().values()) == {version}
        for host in self.hosts:
            state = self.state(host)
            assert state["run"] is None
            slots = state["slots"].values()
            assert set(self.containers(host).values()) <= {
                held[slot] for held in slots for slot in ("blue", "green")
            }

    def ids(self) -> dict[str, list[str]]:
        """{host: ids of all application containers}, to see whether any was touched."""
        filters = ["--filter", "label=delight.slot", "--format", "{{.ID}} {{.Names}} {{.State}}"]
        return {
            h: sorted(self.exec(h, "docker", "ps", "-a", *filters).splitlines()) for h in self.hosts
        }


def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until `condition` holds; fails with `what` did not come true."""
    deadline = time.monotonic() + patience_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience_s} s: {what}"
        pause.wait(0.1)


@contextmanager
def held_lock(fleet: Fleet, host: str) -> Iterator[Callable[[], bool]]:
    """Queue for a host's lock and keep it until the block ends; yields whether it is held."""
    mark = "/run/held"
    fleet.exec(host, "rm", "-f", mark)
    script = f"flock /srv/delight/lock sh -c 'touch {mark}; exec cat'"
    argv = ["docker", "exec", "-i", f"delight-fleet-{host}", "sh", "-c", script]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def held() -> bool:
        return "held" in fleet.exec(host, "ls", "/run")

    try:
        yield held
    finally:
        assert holder.stdin is not None
        holder.stdin.close()
        holder.wait(30)
