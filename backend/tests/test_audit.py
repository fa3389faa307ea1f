"""What is said about known vulnerabilities, and about not knowing."""

from typing import Any

import pytest

import audit

SOUND = {"name": "sound", "version": "1.0", "vulns": []}
SKIPPED = {"name": "skipped", "skip_reason": "not found"}
HURT = {
    "name": "hurt",
    "version": "2.0",
    "vulns": [
        {"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"]},
        {"id": "PYSEC-2", "fix_versions": []},
    ],
}
NOWHERE = "audit: NOT DONE: no source of advisories can be reached from here"
FOUND = [
    "audit: hurt 2.0: PYSEC-1, fixed in 2.1, 3.0",
    "audit: hurt 2.0: PYSEC-2, fixed in no version",
]


@pytest.mark.parametrize(
    ("entries", "status", "strict", "lines"),
    [
        ([SOUND, SOUND], 0, 0, []),
        ([SOUND, HURT], 1, 1, FOUND),
        ([SOUND, SKIPPED], 0, 3, ["audit: NOT DONE for 1 of 2: skipped"]),
        ([HURT, SKIPPED], 1, 1, [*FOUND, "audit: NOT DONE for 1 of 2: skipped"]),
        ([SKIPPED, SKIPPED], 0, 3, [NOWHERE]),
        (None, 0, 3, [NOWHERE]),
    ],
)
def test_what_is_said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    entries: list[dict[str, Any]] | None,
    status: int,
    strict: int,
    lines: list[str],
) -> None:
    monkeypatch.setattr(audit, "audit", lambda _: entries)
    assert audit.main(["requirements.txt"]) == status
    assert capsys.readouterr().out.splitlines() == lines
    assert audit.main(["--strict", "requirements.txt"]) == strict
