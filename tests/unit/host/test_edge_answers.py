"""How the edge's answers are read, and what it is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from delight.host import edge
from delight.host.edge import Edge

STAT = "# pxname,svname,status,check_status,scur\napi-blue,api-1,{},{},0\n"


@pytest.mark.promise("G5")
@pytest.mark.parametrize(
    ("status", "check", "ready"),
    [
        ("UP", "L7OK", True),
        ("UP", "* L7OK", True),  # well, and the next check is out
        ("UP", "", False),  # HAProxy calls it so before its first check
        ("UP", "* L7TOUT", False),
        ("DOWN", "L4CON", False),
    ],
)
def test_a_server_is_ready_once_a_check_was_answered_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str, check: str, ready: bool
) -> None:
    monkeypatch.setattr(edge, "exchange", lambda *asked: STAT.format(status, check))
    assert bool(Edge(tmp_path).unready({"api-blue"})) != ready


def test_a_map_is_told_in_pieces_that_the_edge_takes() -> None:
    wanted = {f"{'a' * 253}/{'b' * 1000}{n}/": "api-blue" for n in range(100)}
    pieces = list(edge.payloads(wanted))
    assert max(len(piece.encode()) for piece in pieces) <= edge.PAYLOAD_BYTES
    assert edge.parse_map("\n".join(pieces)) == wanted
    assert list(edge.payloads({})) == []
