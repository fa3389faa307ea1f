"""`make local`: from nothing to a release on real hosts, step by step, with times."""

import time
from collections.abc import Callable
from pathlib import Path

import requests
from rich.console import Console
from rich.markup import escape

from lab import inventory, provisioning, steps
from lab.errors import LabError
from lab.inventory import Fleet
from lab.steps import Progress

HEALTH = "/api/v1/health"
ANSWER_TIMEOUT = 60  # seconds from the end of the deploy, or from the boot of the hosts


def run(directory: Path, console: Console) -> None:
    """Bring the environment up and deploy to it."""
    machines = inventory.load(directory)
    if machines.url is None:
        raise LabError(f"{directory}/hosts.yml: {machines.env}.vars.lab_url is missing")
    began = time.monotonic()
    progress = Progress(console)
    steps.prepare(progress, machines)
    progress.step("provision", lambda say: _provision(machines, say))
    progress.step("build", lambda say: steps.play(machines, "build", [], say))
    progress.step(
        "deploy", lambda say: steps.play(machines, "deploy", ["-e", "migrate=before"], say)
    )
    answer = _answer(machines.url, console)
    _farewell(machines, answer, progress.done, time.monotonic() - began, console)


def _provision(machines: Fleet, say: Callable[[str], None]) -> list[str]:
    wanted = provisioning.stamp(machines)
    if provisioning.done(machines, wanted):
        return []
    made = steps.play(machines, "provision", [], say)
    provisioning.leave(machines, wanted)
    return made


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
