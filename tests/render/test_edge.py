"""The edge's files, compared with what a reviewer has read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from tests.render import edge_texts
from tests.render.comparing import compare
from tests.render.edge_texts import backends, slot, text

TEXTS: dict[str, Callable[[], str]] = {
    "haproxy_plain.cfg": lambda: text("haproxy.cfg.j2"),
    "haproxy_everything.cfg": lambda: text("haproxy.cfg.j2", **edge_texts.EVERYTHING),
    "edge_compose.yml": lambda: text("compose.yml.j2"),
    "backends.cfg": lambda: backends(
        slot("api-blue", "10.89.1.101", "10.89.1.102"),
        slot(
            "api-green",
            "10.89.1.201",
            "10.89.1.202",
            check_status=204,
            timeout_s=1.5,
            check_port=8001,
            check_headers={"X-Forwarded-Proto": "https", "X-Probe": "yes, it is"},
        ),
        slot("web-blue", "10.89.2.101", port=3000, check_path="/", check_host="www.example.com"),
    ),
    "backends_empty.cfg": backends,
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_is_the_one_that_was_read(name: str) -> None:
    compare(name, TEXTS[name]())


@pytest.mark.promise("H3")
def test_the_container_has_no_rights() -> None:
    edge = yaml.safe_load(TEXTS["edge_compose.yml"]())["services"]["edge"]
    assert edge["user"] == "10099:10099"
    assert edge["cap_drop"] == ["ALL"]
    assert "cap_add" not in edge
    assert edge["read_only"] is True
    assert edge["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in edge


def test_nothing_is_bound_that_is_not_declared() -> None:
    bound = [
        line.split()[1] for line in TEXTS["haproxy_plain.cfg"]().splitlines() if "  bind " in line
    ]
    assert bound == ["*:80", "10.77.0.11:8404"]


def test_every_replica_stands_twice_and_only_once_checked() -> None:
    lines = [line.split() for line in TEXTS["backends.cfg"]().splitlines() if "  server " in line]
    checked = {(words[1], words[2]) for words in lines if "check" in words}
    twins = {(words[1].removesuffix("-backup"), words[2]) for words in lines if "backup" in words}
    assert checked == twins
    assert len(lines) == len(checked) + len(twins)
