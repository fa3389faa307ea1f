"""Staging from nothing, by the page that says how, and from then on by the workflow that deploys."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.local.runner import Job, Runner, deploy_job, runner
from tests.local.staging import Staging
from tests.support.checkout import ROOT
from tests.support.pages import follow

PAGE = ROOT / "docs/deployment.md"
HEALTH = "/api/v1/health"
# What breaks the API and no test of its style would see.
FAULT = "\nimport a_module_that_is_nowhere  # noqa: E402\n"


@pytest.fixture(scope="module")
def deployed(staging: Staging) -> Staging:
    """Staging as the page leaves its reader, pushed to `develop`."""
    follow(PAGE, staging.type)
    staging.push("Staging")
    return staging


def released(staging: Staging) -> str:
    """The release of the API that answers users."""
    answer = requests.get(staging.url + HEALTH, timeout=10)
    assert answer.ok, answer.text
    return str(answer.json()["release"])


def run(machine: Runner, staging: Staging, playbook: str = "deploy", **secrets: str) -> Job:
    """Run the job for staging, with the secrets of its GitHub environment."""
    context: dict[str, Any] = {
        "${{ matrix.environment }}": "staging",
        "${{ inputs.playbook || 'deploy' }}": playbook,
        "${{ inputs.playbook != 'rollback' }}": playbook != "rollback",
        "${{ inputs.playbook != 'migrate' }}": playbook != "migrate",
        "${{ !cancelled() }}": True,
        "${{ always() }}": True,
        "${{ secrets.SSH_PRIVATE_KEY }}": staging.key.read_text(),
        "${{ secrets.VAULT_PASSWORD }}": staging.password,
    }
    context |= {f"${{{{ secrets.{name} }}}}": value for name, value in secrets.items()}
    return machine.job(deploy_job(staging.folder), context)


@pytest.mark.promise("W3")
def test_a_push_is_released_a_broken_one_is_not_and_a_click_rolls_back(deployed: Staging) -> None:
    network = deployed.hosts.network
    before = released(deployed)
    deployed.push("Something new")
    with runner(network, deployed.origin, "develop") as machine:
        job = run(machine, deployed)
        assert not job.failed, job
        assert released(deployed) != before
        assert "### staging: released\n\n```text\nRELEASED " in job.summary
        assert f"RELEASED {released(deployed)} on app1, app2" in job.summary
        for secret in (deployed.password, deployed.key.read_text().splitlines()[1]):
            assert secret not in str(job)
        assert machine.run("ls .vault")[1] == "", "the access is given back"
    good = released(deployed)

    main = deployed.folder / "backend/app/main.py"
    sound = main.read_text()
    main.write_text(sound + FAULT)
    deployed.push("Something broken")
    with runner(network, deployed.origin, "develop") as machine:
        job = run(machine, deployed)
        assert job.failed == ["Run the playbook"], job
        assert "Ask what users ask" not in job.names and "Give the access back" in job.names
        assert "### staging: rolled back" in job.summary
        assert "No module named 'a_module_that_is_nowhere'" in job.summary
    assert released(deployed) == good
    main.write_text(sound)

    with runner(network, deployed.origin, "develop") as machine:
        job = run(machine, deployed, "rollback")
        assert not job.failed, job
        assert "Build and push" not in job.names
        assert released(deployed) == before


@pytest.mark.promise("W3")
def test_a_wrong_password_is_told_before_anything_is_built(deployed: Staging) -> None:
    before = released(deployed)
    with runner(deployed.hosts.network, deployed.origin, "develop") as machine:
        job = run(machine, deployed, VAULT_PASSWORD="not-the-password")
        assert job.failed == ["Hold settings and secrets against what the services take"], job
        assert "### staging: no outcome" in job.summary
    assert released(deployed) == before
