"""The filters of the provisioning roles."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ansible.errors import AnsibleFilterError

ROOT = Path(__file__).resolve().parents[3]


def plugin(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / f"plugins/filter/{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


networks, digests = plugin("networks"), plugin("digests")


def test_the_gateway_is_where_containers_reach_the_edge_of_their_host() -> None:
    assert networks.FilterModule().filters()["gateway"]("10.90.0.0/16") == "10.90.255.254"


def test_overlapping_names_what_shares_an_address() -> None:
    routes = ["10.0.0.0/8", "10.89.3.4", "192.168.0.0/16", "2001:db8::/32"]
    assert networks.overlapping(routes, "10.89.0.0/16") == ["10.0.0.0/8", "10.89.3.4"]


def test_overlapping_refuses_what_is_no_network() -> None:
    with pytest.raises(AnsibleFilterError, match=r"10\.89\.0\.0/99"):
        networks.overlapping([], "10.89.0.0/99")


def test_a_digest_depends_on_value_and_key_only() -> None:
    digest = digests.keyed_digest({"a": 1, "b": 2}, "key")
    assert digest == digests.keyed_digest({"b": 2, "a": 1}, "key")
    assert digest != digests.keyed_digest({"a": 1, "b": 2}, "other")
    assert digest != digests.keyed_digest({"a": 1, "b": 3}, "key")


def test_a_login_is_hashed_by_bcrypt_and_the_same_each_time() -> None:
    line = digests.htpasswd("secret", "delight", "key")
    assert line.startswith("delight:$2b$10$")
    assert line.endswith("\n")
    assert len(line.strip().split(":")[1]) == 60
    assert line == digests.htpasswd("secret", "delight", "key")
    assert line != digests.htpasswd("secret", "delight", "another key")
    with pytest.raises(AnsibleFilterError, match="the password of delight can't be hashed: "):
        digests.htpasswd("a" * 73, "delight", "key")
