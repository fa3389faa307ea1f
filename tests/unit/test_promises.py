"""What the documentation promises is proved by a test, and no test proves what nobody promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs import generate, promises


@pytest.mark.parametrize("promise", promises.declared())
def test_a_promise_has_a_test(promise: str) -> None:
    assert promises.proofs().get(promise), f"no test carries pytest.mark.promise({promise!r})"


def test_a_mark_names_a_promise() -> None:
    assert sorted(promises.proofs().keys() - promises.declared().keys()) == []


def test_marks_are_read_from_tests_and_modules(tmp_path: Path) -> None:
    file = tmp_path / "test_some.py"
    file.write_text(
        "import pytest\npytestmark = pytest.mark.promise('T1')\n"
        "@pytest.mark.promise('R1', 'R2')\ndef test_it(): ...\n"
    )
    assert list(promises.marks(file)) == ["T1", "R1", "R2"]


def test_the_page_is_current() -> None:
    stale = [path.name for path, _ in generate.stale()]
    assert "promises.md" not in stale, "run `python docs/generate.py`"
