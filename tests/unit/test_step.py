"""`bin/step`: what a person and CI read of a run of the checks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

STEP = Path(__file__).resolve().parents[2] / "bin/step"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with nothing in it but the script."""
    (tmp_path / "bin").mkdir()
    shutil.copy(STEP, tmp_path / "bin/step")
    step(tmp_path, "--begin")
    return tmp_path


def step(project: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    argv = [str(project / "bin/step"), *words]
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=60, env=path | environment
    )


def rows(said: str) -> dict[str, list[str]]:
    """{step: [result, tests]} of a table."""
    lines = (line.split() for line in said.splitlines())
    return {words[0]: words[1:3] for words in lines if len(words) == 4 and ":" in words[3]}


def test_a_step_shows_what_it_says_and_keeps_it(project: Path) -> None:
    done = step(project, "unit", "sh", "-c", "echo fine; echo 3 passed in 0.1s")
    assert done.returncode == 0
    assert "=== unit\nfine\n3 passed in 0.1s\n=== unit: passed" in done.stdout
    assert (project / ".cache/checks/unit.log").read_text() == "fine\n3 passed in 0.1s\n"


def test_a_grouped_step_is_shown_in_one_piece(project: Path) -> None:
    done = step(project, "--grouped", "lint", "sh", "-c", "echo one; echo two >&2")
    assert "=== lint\nlint | one\nlint | two\n=== lint: passed" in done.stdout


def test_the_table_counts_and_fails_for_any_step(project: Path) -> None:
    step(project, "unit", "echo", "3 passed")
    assert step(project, "--table").returncode == 0
    failed = step(project, "backend", "sh", "-c", "echo 4 passed, 2 failed; exit 1")
    assert failed.returncode == 1
    broken = step(project, "images", "sh", "-c", "exit 7")
    assert broken.returncode == 7
    table = step(project, "--table")
    assert table.returncode == 1
    assert rows(table.stdout) == {
        "unit": ["passed", "3"],
        "backend": ["failed(1)", "4"],
        "images": ["failed(7)", "0"],
    }
    # A step that failed without a test counts as one, so that no reader takes the line for good.
    assert table.stdout.splitlines()[-1] == "tests: 7 passed, 3 failed"


def test_a_step_that_hangs_is_ended_at_its_bound(project: Path) -> None:
    done = step(project, "stories", "sleep", "50", STEP_SECONDS="1")
    assert done.returncode == 124
    assert "=== stories: timed-out" in done.stdout


def test_unstable_stories_are_named(project: Path) -> None:
    (project / ".cache/checks/unstable.txt").write_text("test_killed\n    call: not within 120 s\n")
    assert "unstable:\ntest_killed\n    call: not within 120 s\n" in step(project, "--table").stdout


def test_ctrl_c_is_not_ignored_by_what_a_step_starts(project: Path) -> None:
    script = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert "\nTrue\n" in step(project, "stories", "python3", "-c", script).stdout
