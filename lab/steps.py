"""Steps that bring an environment of the lab up, each shown with its time and what it changed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from lab import images, lifecycle, paths, playbooks, secrets, seeding
from lab.inventory import Fleet

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


def prepare(progress: Progress, machines: Fleet) -> None:
    """From nothing to hosts that can be provisioned."""
    progress.step("engine", lambda say: lifecycle.begin(machines))
    progress.step("images", images.ensure)
    progress.step("secrets", lambda say: secrets.ensure(machines))
    progress.step("hosts", lambda say: _hosts(machines))


def play(machines: Fleet, name: str, extra: list[str], say: Callable[[str], None]) -> list[str]:
    """Run a playbook on the environment; what it changed, by its last word or its recap."""
    log = paths.env_dir(machines.env) / "log" / f"{name}.log"
    argv = playbooks.command(f"{name}.yml", Path(machines.env), extra)
    played = playbooks.play(argv, log, say)
    if name == "deploy":
        last = played.output.strip().splitlines()[-1]
        return [] if last.startswith("UNCHANGED") else [last]
    return [f"{played.changed} tasks changed something"] if played.changed else []


def _hosts(machines: Fleet) -> list[str]:
    did = lifecycle.up(machines)
    loaded = seeding.seed(machines)
    made = [f"{name} {what}" for name, what in did.items() if what != "running"]
    return made + ([f"{len(loaded)} images loaded"] if loaded else [])
