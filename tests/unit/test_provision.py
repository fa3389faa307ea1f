"""What `provision.yml` refuses before it connects to any host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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
    assert "Prepare every host" not in output


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
    assert "Prepare every host" in provision(tmp_path, **change)[1]


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
    inventory = tmp_path / "hosts.json"
    groups = {name: {"hosts": {"one": HOST}} for name in ("app", "data")}
    inventory.write_text(json.dumps({"all": {"children": groups}}))
    asked = {"told": "{{ [edge_trusted_proxies, release_https] }}", **change}
    done = run(
        *(ROOT, "ansible", "one", "-i", str(inventory), "--playbook-dir", str(ROOT)),
        *("-m", "debug", "-a", "var=told", "-e", json.dumps(asked)),
        ANSIBLE_CALLBACK_RESULT_FORMAT="json",
    )
    assert json.loads(done.stdout.partition("=> ")[2])["told"] == told
