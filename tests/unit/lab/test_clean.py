"""`make clean` in a folder where only some of what was made is left; the lab itself is a script here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BOUND_S = 30
LAB = """#!/bin/sh
[ "$3" = --help ] || echo "lab $3" >> lab.log
[ "$3" != purge ] || rm -rf .lab
[ "$3" != clean ] || exit $(cat status)
"""
SETUP = "#!/bin/sh\nmkdir -p .venv/bin && cp lab.sh .venv/bin/python && echo setup >> lab.log\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout in which nothing was made but what its user wrote."""
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "bin/clean", tmp_path / "bin/clean")
    for name, text in (("bin/setup", SETUP), ("lab.sh", LAB)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    for name in (".vault/staging", "backend/.env", "frontend/package.json", "status"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("0")
    return tmp_path


def clean(folder: Path) -> tuple[int, str]:
    """Run it; its status and what it said."""
    done = subprocess.run(
        [folder / "bin/clean"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False, timeout=BOUND_S,
    )  # fmt: skip
    return done.returncode, done.stdout


def files(folder: Path) -> set[str]:
    """All files of a folder."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir()}


def called(folder: Path) -> list[str]:
    """What was run of the lab and of the setup."""
    log = folder / "lab.log"
    return log.read_text().splitlines() if log.exists() else []


def test_a_second_run_says_that_nothing_is_there(folder: Path) -> None:
    before = files(folder)
    for name in (
        ".venv/bin",
        ".lab",
        ".cache",
        "frontend/.next",
        "backend/.mypy_cache",
        "a/__pycache__",
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / "made").touch()
    shutil.copy(folder / "lab.sh", folder / ".venv/bin/python")
    status, said = clean(folder)
    assert (status, called(folder)) == (0, ["lab clean", "lab purge"])
    assert said == "removed files: .venv .cache frontend/.next backend/.mypy_cache __pycache__\n"
    assert files(folder) == before | {"lab.log"}
    assert clean(folder) == (0, "nothing is there\n")


def test_hosts_are_found_although_the_environment_was_removed_by_hand(folder: Path) -> None:
    (folder / ".lab").mkdir()
    assert clean(folder)[0] == 0
    assert called(folder) == ["setup", "lab clean", "lab purge"]
    assert not (folder / ".venv").exists()


def test_what_is_needed_to_try_again_stays_when_the_lab_fails(folder: Path) -> None:
    for name in (".lab", ".cache"):
        (folder / name).mkdir()
    (folder / "status").write_text("1")
    assert clean(folder)[0] == 1
    assert (folder / ".lab").exists() and (folder / ".venv").exists()
