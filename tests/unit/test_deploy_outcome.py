"""`.ci/outcome.py`: how a deploy ended, as the summary of a job shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / ".ci/outcome.py"
SICK = {
    "name": "api-green-1",
    "reason": "it exited with 1",
    "answer": "",
    "health_log": [],
    "logs": ["```", "no such table"],
}


def shown(folder: Path, result: dict[str, Any] | None) -> tuple[str, str]:
    """The summary, and what later steps get."""
    file, summary, later = (folder / name for name in ("result.json", "summary.md", "env"))
    if result is not None:
        file.write_text(json.dumps(result))
    done = subprocess.run(
        [sys.executable, SOURCE, file], check=True, text=True, capture_output=True, timeout=30,
        env={"ENVIRONMENT": "staging", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ENV": str(later)},
    )  # fmt: skip
    assert done.stdout == summary.read_text()
    return summary.read_text(), later.read_text()


def test_a_failed_gate_shows_what_the_engine_said(tmp_path: Path) -> None:
    text, later = shown(
        tmp_path,
        {"outcome": "rolled back", "to": "v2", "live": "v1", "hosts": ["app1", "app2"],
         "reasons": {"app1": "api failed the gate"}, "sick": {"app1": [SICK]}},
    )  # fmt: skip
    assert text.startswith(
        "### staging: rolled back\n\n````text\n  ── app1 / api-green-1: it exited"
    )
    assert "no such table\nROLLED BACK: v1 serves on app1, app2\n" in text
    assert text.endswith("  app1: api failed the gate\n````\n"), "a log line ends no block"
    assert later == "RELEASE=v2\n"


@pytest.mark.parametrize(("result", "release"), [(None, ""), ({"outcome": "refused"}, "")])
def test_a_run_without_a_release(
    tmp_path: Path, result: dict[str, Any] | None, release: str
) -> None:
    text, later = shown(tmp_path, result)
    assert later == f"RELEASE={release}\n"
    assert text.startswith(f"### staging: {'refused' if result else 'no outcome'}\n")
