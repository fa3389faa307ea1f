"""A runner of GitHub Actions, as far as it can be had here: a clean container, and jobs run in it.

What GitHub does itself is done as it says: secrets and variables by step, a shell that stops at the
first error, `$GITHUB_ENV` for later steps, steps that run although one has failed.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab import hosts, recipes, shell

HERE = Path(__file__).resolve().parent
IMAGE = "delight-lab/runner:tests"
WORK = "/home/runner/work"
CHECKOUT = f"{WORK}/app"
SOCKET = Path("/var/run/docker.sock")
# The engine reads it at each push; a runner's user may change it by sudo.
TRUST = "/etc/docker/certs.d"
# Where a network looks into TLS, machines are told by these to trust its certificate authority.
AUTHORITIES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
STEP_S = 900


@dataclass(frozen=True)
class Step:
    """One step that was run: its name, its exit status, all that it printed."""

    name: str
    status: int
    output: str


@dataclass(repr=False)
class Job:
    """One job that was run."""

    steps: list[Step] = field(default_factory=list)
    summary: str = ""

    @property
    def failed(self) -> list[str]:
        """The steps that failed."""
        return [step.name for step in self.steps if step.status]

    @property
    def names(self) -> list[str]:
        """The steps that were run."""
        return [step.name for step in self.steps]

    def __getitem__(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def __repr__(self) -> str:
        return "\n".join(f"── {s.name}: {s.status}\n{s.output}" for s in self.steps)


@dataclass(frozen=True)
class Runner:
    """A fresh machine; `run` in it is `docker exec` as its user."""

    container: str

    def run(self, line: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run a line as a step does; its status and what it printed."""
        given = dict(variables or {})
        argv = ["docker", "exec", "--user", "runner", *(f"--env={name}" for name in given)]
        inside = f"cd {CHECKOUT} 2> /dev/null || cd {WORK}; {line}"
        done = subprocess.run(
            [*argv, self.container, "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", inside],
            env=os.environ | given, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=STEP_S,
        )  # fmt: skip
        return done.returncode, done.stdout

    def job(self, job: Mapping[str, Any], context: Mapping[str, Any]) -> Job:
        """Run the `run` lines of a job in order. `context` is the value of each expression in it."""
        done = Job()
        files = {name: f"{WORK}/{name.lower()}" for name in ("GITHUB_ENV", "GITHUB_STEP_SUMMARY")}
        self.run(f"rm -f {' '.join(files.values())}; touch {' '.join(files.values())}")
        common = {"CI": "true", "GITHUB_WORKSPACE": CHECKOUT} | files
        common |= values(job.get("env", {}), context)
        for step in job["steps"]:
            wanted = context[step["if"]] if "if" in step else True
            always = step.get("if") in ("${{ always() }}", "${{ !cancelled() }}")
            if "run" not in step or not wanted or (done.failed and not always):
                continue
            given = common | self._later(files["GITHUB_ENV"])
            status, output = self.run(step["run"], given | values(step.get("env", {}), context))
            done.steps.append(Step(step["name"], status, output))
        done.summary = self.run(f"cat {files['GITHUB_STEP_SUMMARY']}")[1]
        return done

    def _later(self, file: str) -> dict[str, str]:
        lines = self.run(f"cat {file}")[1].splitlines()
        return dict(line.split("=", 1) for line in lines)


def values(env: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a job or a step; an expression that the test does not know is an error."""
    return {
        name: str(context[text] if "${{" in text else text)
        for name, text in ((name, str(text)) for name, text in env.items())
    }


def deploy_job(root: Path) -> dict[str, Any]:
    """The job that deploys."""
    workflow = yaml.safe_load((root / ".github/workflows/deploy.yml").read_text())
    found: dict[str, Any] = workflow["jobs"]["deploy"]
    return found


@contextmanager
def runner(network: str, origin: Path, branch: str) -> Iterator[Runner]:
    """A new machine in a network, with a checkout of a branch and nothing else of ours."""
    build = ["docker", "build", "--quiet", "--network=host", f"--build-arg=BASE={recipes.BASE}"]
    shell.run([*build, f"--tag={IMAGE}", str(HERE)])
    name = f"delight-runner-{uuid.uuid4().hex[:8]}"
    argv = ["docker", "run", "--detach", "--init", f"--name={name}", f"--network={network}"]
    # One that a killed test has left goes with the network's hosts.
    argv += hosts.labels(network)
    argv += [f"--volume={SOCKET}:{SOCKET}", f"--group-add={SOCKET.stat().st_gid}"]
    argv += [f"--volume={TRUST}:{TRUST}", f"--volume={origin}:/srv/origin.git:ro"]
    for variable in AUTHORITIES:
        if file := os.environ.get(variable):
            argv += [f"--env={variable}={file}", f"--volume={file}:{file}:ro"]
    try:
        shell.run([*dict.fromkeys(argv), IMAGE])  # each file once, however many variables name it
        machine = Runner(name)
        # What actions/checkout does: one commit, no credentials.
        clone = f"git clone --quiet --depth 1 --branch {branch} file:///srv/origin.git {CHECKOUT}"
        status, output = machine.run(clone)
        assert status == 0, output
        yield machine
    finally:
        shell.attempt(["docker", "rm", "--force", "--volumes", name])
