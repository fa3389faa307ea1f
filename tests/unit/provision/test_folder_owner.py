"""The module that refuses a folder of another environment, and the tasks that ask it before anything is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.promise("C11")


def asked(folder: Path, role: str, **variables: Any) -> tuple[int, str]:
    """Status and output of the first task of a role, for environment `production`."""
    said = {f"{role}_environment": "production", **variables}
    tasks = [{"ansible.builtin.import_role": {"name": role, "tasks_from": "owner"}}]
    play = {"hosts": "localhost", "gather_facts": False, "vars": said, "tasks": tasks}
    (folder / "play.json").write_text(json.dumps([play]))
    done = run(
        *(ROOT, "ansible-playbook", str(folder / "play.json"), "--check"),
        *("-i", "localhost,", "-c", "local"),
        ANSIBLE_ROLES_PATH=str(ROOT / "roles"),
    )
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("owner", "status"), [(None, 0), ("production\n", 0), ("staging\n", 2)], ids=str
)
def test_a_root_of_another_environment_is_refused_with_both_names(
    tmp_path: Path, owner: str | None, status: int
) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    if owner:
        (root / "environment").write_text(owner)
    found, output = asked(tmp_path, "app_host", app_host_root=str(root))
    assert found == status, output
    said = (
        f"localhost: {root} belongs to environment staging, and this is production. Give this one a folder of its "
        "own (release_root: /srv/<name>), and an app_subnet and edge ports that are free."
    )
    assert (said in output) is bool(status)


def test_backing_services_of_another_environment_are_refused(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("staging\n")
    status, output = asked(tmp_path, "backing", backing_root=str(tmp_path))
    assert status == 2
    assert "belongs to environment staging, and this is production" in output
    assert "Give each environment a host of its own in `data`." in output


def test_a_root_that_is_no_name_is_refused(tmp_path: Path) -> None:
    status, output = asked(tmp_path, "app_host", app_host_root="/srv/my-shop")
    assert status == 2
    assert "localhost: release_root is /srv/my-shop, and its folder names" in output
