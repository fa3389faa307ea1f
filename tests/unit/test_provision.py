"""What `provision.yml` refuses before it connects to any host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delight import schema

from tests.support.commands import run

ROOT = Path(__file__).resolve().parents[2]
# Nobody has this address (RFC 5737).
HOST = {"ansible_host": "192.0.2.1", "host_address": "192.0.2.1"}


def provision(folder: Path, **variables: Any) -> tuple[int, str]:
    """Status and output for one machine that is in both groups."""
    host = {**HOST, "env_name": "shop", "balancer_enabled": True, **variables}
    groups = {name: {"hosts": {"one": host}} for name in ("app", "data")}
    (folder / "hosts.json").write_text(json.dumps({"all": {"children": groups}}))
    done = run(
        ROOT, "ansible-playbook", "provision.yml", "-i", str(folder), "-e", "ansible_timeout=1"
    )
    return done.returncode, " ".join(done.stdout.split())


# What it does where it refuses nothing before it connects.
NEXT = "Refuse hosts of another environment"
CERTIFIED = {"edge_certificate_pem": "any"}


@pytest.mark.parametrize(
    ("change", "ports"),
    [
        ({}, "80"),
        ({"balancer_address": "192.0.2.8"}, "80"),
        (CERTIFIED, "80 and 443"),
        ({**CERTIFIED, "balancer_port": 8080}, "443"),
    ],
)
def test_an_edge_and_a_balancer_on_one_port_are_refused(
    tmp_path: Path, change: dict[str, Any], ports: str
) -> None:
    status, output = provision(tmp_path, **change)
    assert status == 2
    assert (
        "one is in `app` and in `data`, so its edge and the balancer would both answer on port "
        f"{ports}, each" in output
    )
    assert NEXT not in output


@pytest.mark.parametrize(
    "change",
    [
        {"balancer_enabled": False},
        {"balancer_port": 8080},
        {**CERTIFIED, "balancer_port": 8080, "balancer_tls_port": 8443},
        {"balancer_address": "192.0.2.8", "edge_binds": ["192.0.2.7:80"]},
    ],
)
def test_with_another_port_or_without_a_balancer_it_goes_on(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    assert NEXT in provision(tmp_path, **change)[1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"balancer_enabled": False}, [[], False]),
        ({"balancer_enabled": True}, [["192.0.2.1"], False]),
        ({"balancer_enabled": True, "balancer_certificate_pem": "any"}, [["192.0.2.1"], True]),
        ({"balancer_enabled": True, "edge_trusted_proxies": ["192.0.2.9"]}, [["192.0.2.9"], False]),
    ],
)
def test_what_a_balancer_of_ours_means_to_the_edges_has_not_to_be_told(
    tmp_path: Path, change: dict[str, Any], told: list[Any]
) -> None:
    """They trust the hosts that it runs on; a certificate, its own or theirs, means that users come by HTTPS."""
    assert resolved(tmp_path, "[edge_trusted_proxies, release_https]", change) == told


@pytest.mark.promise("C11")
@pytest.mark.parametrize(
    ("change", "ports"),
    [
        ({}, [80, 8404]),
        ({"edge_binds": ["[::]:8080", "*:80"], "edge_ready_port": 8414}, [8080, 8414]),
    ],
)
def test_a_balancer_of_ours_asks_each_edge_where_it_listens(
    tmp_path: Path, change: dict[str, Any], ports: list[int]
) -> None:
    one = {"name": "one", "address": "192.0.2.1", "port": ports[0], "ready_port": ports[1]}
    assert resolved(tmp_path, "balancer_hosts", change) == [one]


def resolved(folder: Path, expression: str, change: dict[str, Any]) -> Any:
    """What an expression means to a machine that is in both groups."""
    inventory = folder / "hosts.json"
    groups = {name: {"hosts": {"one": HOST}} for name in ("app", "data")}
    inventory.write_text(json.dumps({"all": {"children": groups}}))
    asked = {"told": f"{{{{ {expression} }}}}", **change}
    done = run(
        *(ROOT, "ansible", "one", "-i", str(inventory), "--playbook-dir", str(ROOT)),
        *("-m", "debug", "-a", "var=told", "-e", json.dumps(asked)),
        ANSIBLE_CALLBACK_RESULT_FORMAT="json",
    )
    return json.loads(done.stdout.partition("=> ")[2])["told"]


@pytest.mark.promise("C11")
def test_provisioning_and_the_engine_want_the_same_of_a_roots_name() -> None:
    asked = (ROOT / "roles/app_host/tasks/owner.yml").read_text()
    assert f"app_host_root is match('^{schema.ROOT}$')" in asked
