"""CI runs what a developer runs: each line of a workflow is a target of the Makefile that the checks run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# What deploys to hosts is run as a whole, line by line, where there are hosts.
DEPLOYS = "deploy.yml: deploy"
# The lines that no check runs, and why.
ONLY_THERE = {
    "make audit": "needs a source of advisories, which not every network lets through",
    "apt-get update -qq && apt-get install -y -qq git make": "before there is a checkout",
    'git config --global --add safe.directory "$GITHUB_WORKSPACE"': "a runner's checkout is not its own",
    'gh pr comment "$PULL_REQUEST" --edit-last --create-if-none --body-file .cache/checks/report.md': (
        "needs a pull request"
    ),
}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every job of every workflow."""
    for file in WORKFLOWS:
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            yield f"{file.name}: {name}", job


def lines(job: dict[str, Any]) -> Iterator[str]:
    """The `run` lines of a job, one for each combination of its matrix."""
    for combination in job.get("strategy", {}).get("matrix", {}).get("include", [{}]):
        for step in job.get("steps", []):
            text = step.get("run", "")
            for name, value in step.get("env", {}).items():
                if found := re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", str(value)):
                    text = text.replace(f"${name}", combination[found[1]])
            if text:
                yield text


def reached(*targets: str) -> set[str]:
    """What `make` makes for these targets, those that recipes name included."""
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    rules = re.findall(r"^([a-z-]+):(?!=)(.*(?:\n\t.*)*)", text, re.MULTILINE)
    known = {
        name: set(re.findall(r"[a-z-]+", body.split("##")[0])) | named(body) for name, body in rules
    }
    found: set[str] = set()
    queue = [*targets]
    while queue:
        target = queue.pop()
        if target in known and target not in found:
            found.add(target)
            queue += known[target]
    return found


def named(body: str) -> set[str]:
    """The targets that a recipe gives to another make."""
    calls = re.findall(r"\$\((?:MAKE|STEPS)\)([^\n]*)", body)
    return {word for call in calls for word in call.split() if not word.startswith("-")}


@pytest.mark.promise("W3")
def test_every_line_is_one_that_the_checks_run_too() -> None:
    checks = reached("test", "test-all")
    assert {"check-stories", "check-lint", "test-molecule", "report"} <= checks
    seen = set()
    for name, job in jobs():
        for line in lines(job) if name != DEPLOYS else []:
            seen.add(line)
            if line not in ONLY_THERE:
                make, *targets = line.split()
                assert make == "make", f"{name}: {line}"
                assert set(targets) <= checks, f"{name}: {line}"
    assert set(ONLY_THERE) <= seen, "a line that is excused is in no workflow"


@pytest.mark.promise("W3")
def test_what_the_gate_runs_ci_runs() -> None:
    [checks] = [job for name, job in jobs() if name == "ci.yml: checks"]
    run = {word for line in lines(checks) for word in line.split() if word.startswith("check-")}
    assert run == {target for target in reached("test") if target.startswith("check-")}


@pytest.mark.promise("W3")
def test_actions_are_pinned_and_permissions_are_least() -> None:
    for file in WORKFLOWS:
        workflow = yaml.safe_load(file.read_text())
        assert workflow["permissions"] == {}, file.name
        for used in re.findall(r"uses: (.*)", file.read_text()):
            ours = used.startswith("$/.github/workflows/")
            assert ours or re.fullmatch(r"[\w/.-]+@[0-9a-f]{40} # v[0-9.]+", used), used
    for name, job in jobs():
        assert "permissions" in job, name
        assert "timeout-minutes" in job or "uses" in job, name


@pytest.mark.promise("W3")
def test_where_a_push_goes() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/deploy.yml").read_text())
    events = workflow[True]  # YAML's reading of `on`
    assert events["push"] == {"branches": ["develop"], "tags": ["v*"]}
    deploy = workflow["jobs"]["deploy"]
    assert deploy["environment"] == "${{ matrix.environment }}", "its secrets and its approval"
    assert deploy["concurrency"] == {
        "group": "deploy-${{ matrix.environment }}",
        "cancel-in-progress": False,
    }
    [where] = deploy["strategy"]["matrix"]["environment"]
    assert "github.ref_type == 'tag' && 'production' || 'staging'" in where
    assert deploy["needs"] == "checks" and "needs.checks.result == 'success'" in deploy["if"]
    assert events["workflow_dispatch"]["inputs"]["environment"]["options"] == [
        "staging",
        "production",
    ]
