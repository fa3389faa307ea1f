"""The report of the checks, as a pull request shows it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / ".ci/report.py"


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script, with a cache of its own."""
    spec = importlib.util.spec_from_file_location("checks_report", SOURCE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "checks_report", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "CACHE", tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "checks").mkdir()
    return module


def test_it_tells_steps_coverage_and_sizes(report: Any, tmp_path: Path) -> None:
    checks = tmp_path / "checks"
    (checks / "backend.step").write_text("backend passed 347 0 148\n")
    (checks / "backend.log").write_text("reached. Total coverage: 97.99%\n")
    (checks / "stories.step").write_text("stories failed(1) 20 1 265\n")
    (checks / "unstable.txt").write_text("test_killed: no answer\n")
    (checks / "sizes.json").write_text(
        json.dumps({"backend": 231_000_000, "frontend": 345_000_000})
    )
    (tmp_path / "sizes.json").write_text(json.dumps({"backend": 230_000_000}))
    assert report.main() == 1
    text = (checks / "report.md").read_text()
    assert "### Checks: failed: stories" in text
    assert "| backend | passed | 347 | 97.99 % | 2:28 |" in text
    assert "| stories | failed(1) | 20 of 21 |  | 4:25 |" in text
    assert "| backend | 231.0 MB | +1.0 MB |" in text
    assert "| frontend | 345.0 MB | new |" in text
    assert "test_killed: no answer" in text
    assert (tmp_path / "summary.md").read_text() == text
    assert json.loads((tmp_path / "sizes.json").read_text())["backend"] == 231_000_000


def test_a_run_of_nothing_is_no_success(report: Any) -> None:
    assert report.main() == 1
