"""`make local`: from nothing to a release on real hosts, step by step, with times."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests
from rich.console import Console
from rich.markup import escape

from lab import engine, fleet, images, inventory, paths, playbooks, secrets, seeding
from lab.errors import LabError
from lab.inventory import Fleet

HEALTH = "/api/v1/health"
ANSWER_TIMEOUT = 60  # seconds from the end of the deploy, or from the boot of the hosts

Step = Callable[[Callable[[str], None]], list[str]]


@dataclass
class Progress:
    """Shows one line per step and remembers what was changed."""

    console: Console
    done: list[str] = field(default_factory=list)

    def step(self, name: str, act: Step) -> None:
        """Run one step; `act` returns what it changed, and may say what it is doing."""
        began = time.monotonic()
        with self.console.status(name) as status:
            made = act(lambda text: status.update(f"{name}: {escape(text)}"))
        took = time.monotonic() - began
        text = escape(", ".join(made)) if made else "[dim]nothing to do[/dim]"
        self.console.print(f"[bold]{name:<10}[/bold] {took:6.1f} s  {text}")
        self.done += made


def run(directory: Path, console: Console) -> None:
    """Bring the environment up and deploy to it."""
    machines = inventory.load(directory)
    if machines.url is None:
        raise LabError(f"{directory}/hosts.yml: {machines.env}.vars.lab_url is missing")
    began = time.monotonic()
    progress = Progress(console)
    progress.step("engine", lambda say: _unless("running", engine.ensure()))
    progress.step("images", images.ensure)
    progress.step("secrets", lambda say: secrets.ensure(machines))
    progress.step("hosts", lambda say: _hosts(machines))
    for name, extra in (("provision", []), ("build", []), ("deploy", ["-e", "migrate=before"])):
        progress.step(name, lambda say, name=name, extra=extra: _play(machines, name, extra, say))  # type: ignore[misc]
    answer = _answer(machines.url, console)
    _farewell(machines, answer, progress.done, time.monotonic() - began, console)


def _hosts(machines: Fleet) -> list[str]:
    did = fleet.up(machines)
    loaded = seeding.seed(machines)
    made = [f"{name} {what}" for name, what in did.items() if what != "running"]
    return made + ([f"{len(loaded)} images loaded"] if loaded else [])


def _unless(nothing: str, text: str) -> list[str]:
    return [] if text == nothing else [text]


def _play(machines: Fleet, name: str, extra: list[str], say: Callable[[str], None]) -> list[str]:
    log = paths.env_dir(machines.env) / "log" / f"{name}.log"
    argv = playbooks.command(f"{name}.yml", Path(machines.env), extra)
    played = playbooks.play(argv, log, say)
    if name == "deploy":
        last = played.output.strip().splitlines()[-1]
        return [] if last.startswith("UNCHANGED") else [last]
    return [f"{played.changed} tasks changed something"] if played.changed else []


def _answer(url: str, console: Console) -> dict[str, str]:
    """The health answer that a user gets; LabError when none comes in time."""
    deadline = time.monotonic() + ANSWER_TIMEOUT
    said = "no answer"
    with console.status(f"asking {url}"):
        while time.monotonic() < deadline:
            try:
                response = requests.get(url + HEALTH, timeout=5)
                if response.ok:
                    answer: dict[str, str] = response.json()
                    return answer
                said = f"{response.status_code} {response.text[:200]}"
            except requests.RequestException as error:
                said = str(error)
            time.sleep(0.2)
    raise LabError(f"{url}{HEALTH} does not answer after {ANSWER_TIMEOUT} s: {said}")


def _farewell(
    machines: Fleet, answer: dict[str, str], done: list[str], took: float, console: Console
) -> None:
    url, env = machines.url, machines.env
    what = "Ready" if done else "Nothing changed: all was there already"
    console.print(f"\n[bold green]{what}[/bold green] ({took:.0f} s)\n", highlight=False)
    for name, value in (
        ("URL", f"{url}"),
        ("status", f"{url}/status"),
        ("health", f"{answer.get('status')} at {answer.get('timestamp')}"),
        ("release", f"{answer.get('release')}"),
    ):
        console.print(f"  {name:<8} {escape(value)}", highlight=False, soft_wrap=True)
    console.print("\nTry next:", highlight=False)
    for command in (
        f"curl {url}{HEALTH}/detailed",
        f".venv/bin/ansible-playbook status.yml -i {env}",
        f".venv/bin/ansible-playbook deploy.yml -i {env}",
    ):
        console.print(f"  {command}", highlight=False, soft_wrap=True)
