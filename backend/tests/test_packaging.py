"""The lock, the requirements of the image, the version and what may enter the image agree."""

import json
import re
import tomllib
from hashlib import sha256
from typing import Any

import pytest

from app import __version__
from tests.conftest import BACKEND

NAME = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)")


def locked(groups: set[str]) -> dict[str, tuple[str, set[str]]]:
    """Version and hashes of each package that poetry.lock has in one of the groups."""
    lock: dict[str, Any] = tomllib.loads((BACKEND / "poetry.lock").read_text())
    return {
        package["name"]: (package["version"], {file["hash"] for file in package["files"]})
        for package in lock["package"]
        if groups & set(package["groups"])
    }


def required(file: str) -> dict[str, tuple[str, set[str]]]:
    """The same from a requirements file."""
    found: dict[str, tuple[str, set[str]]] = {}
    for entry in (BACKEND / file).read_text().replace("\\\n", " ").splitlines():
        match = NAME.match(entry)
        assert match, f"{file}: {entry}"
        hashes = {word.removeprefix("--hash=") for word in entry.split() if "--hash=" in word}
        found[match[1]] = (match[2], hashes)
    return found


@pytest.mark.parametrize(
    ("file", "groups"),
    [("requirements.txt", {"main"}), ("requirements-dev.txt", {"main", "dev"})],
)
def test_requirements_are_the_lock(file: str, groups: set[str]) -> None:
    assert required(file) == locked(groups), "make them again: ./check.sh --lock"


def digest_of_project() -> str:
    """What poetry writes into its lock: a digest of all that pyproject.toml asks for."""
    content = tomllib.loads((BACKEND / "pyproject.toml").read_text())

    def part(table: dict[str, Any], *keys: str) -> dict[str, Any]:
        return {key: table[key] for key in keys if key in table}

    asked = {
        "project": part(
            content["project"], "requires-python", "dependencies", "optional-dependencies"
        ),
        "dependency-groups": content["dependency-groups"],
        "tool": {"poetry": part(content["tool"]["poetry"], "dependencies", "group", "source")},
    }
    return sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def test_the_lock_is_of_this_project() -> None:
    lock = tomllib.loads((BACKEND / "poetry.lock").read_text())
    assert lock["metadata"]["content-hash"] == digest_of_project(), "./check.sh --lock"


def test_version() -> None:
    project = tomllib.loads((BACKEND / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


def test_only_named_files_enter_the_image() -> None:
    lines = (BACKEND / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!app",
        "!migrations",
        "!alembic.ini",
        "!requirements.txt",
    }


def test_dockerfile_needs_nothing_from_outside_but_its_base() -> None:
    text = (BACKEND / "Dockerfile").read_text()
    assert "# syntax" not in text
    assert "curl" not in text
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "${BASE}"]
    assert "ARG BASE=python:3.11-slim\n" in text
