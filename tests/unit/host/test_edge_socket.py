"""Asking an edge that is just being reloaded: its master hangs up on whoever asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from delight.host.edge import Edge, EdgeError


def test_what_only_reads_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([ConnectionResetError("reset"), BrokenPipeError("gone")])

    def cut(path: Path, command: str, timeout_s: float) -> str:
        for error in said:
            raise error
        return "an answer"

    monkeypatch.setattr("delight.host.edge.exchange", cut)
    assert Edge(tmp_path).ask("show proc") == "an answer"


def test_what_changes_something_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def cut(path: Path, command: str, timeout_s: float) -> str:
        asked.append(command)
        raise ConnectionResetError("reset")

    monkeypatch.setattr("delight.host.edge.exchange", cut)
    with pytest.raises(EdgeError, match="reset; run edge"):
        Edge(tmp_path).ask("commit map @1 live.map")
    assert asked == ["commit map @1 live.map"]
