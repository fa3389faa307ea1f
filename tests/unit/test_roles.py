"""What every role has: a specification, defaults that agree with it, a README made from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())
SHORT = 75


def read(path: Path) -> dict[str, Any]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def options(role: Path) -> dict[str, Any]:
    spec = read(role / "meta" / "argument_specs.yml")["argument_specs"]["main"] or {}
    found: dict[str, Any] = spec.get("options", {})
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_specification_and_the_defaults_agree(role: Path) -> None:
    specified = {k: v["default"] for k, v in options(role).items() if "default" in v}
    assert specified == read(role / "defaults" / "main.yml")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_required_argument_has_no_default(role: Path) -> None:
    assert not [k for k, v in options(role).items() if v.get("required") and "default" in v]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_task_files_are_short(role: Path) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in role.glob("tasks/*.yml")
        if (lines := len(path.read_text().splitlines())) > SHORT
    }
    assert not long


def test_every_readme_says_what_its_specification_says() -> None:
    ran = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"stale, run docs/generate.py: {ran.stdout}"
