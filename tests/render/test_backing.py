"""The files of backing services and balancer, compared with what a reviewer has read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.render.comparing import compare

ROOT = Path(__file__).resolve().parents[2]
# golden file: role, template, its own variables
TEXTS = {
    "backing_compose.yml": ("backing", "compose.yml.j2"),
    "backing_pg_hba.conf": ("backing", "postgres/pg_hba.conf.j2"),
    "backing_start.sh": ("backing", "postgres/start.sh.j2"),
    "backing_ensure.sh": ("backing", "postgres/ensure.sh.j2"),
    "backing_redis.conf": ("backing", "redis/redis.conf.j2"),
    "backing_redis_ensure.sh": ("backing", "redis/ensure.sh.j2"),
    "backing_registry.yml": ("backing", "registry/config.yml.j2"),
    "balancer_compose.yml": ("balancer", "compose.yml.j2"),
    "balancer_haproxy.cfg": ("balancer", "haproxy.cfg.j2"),
}
VARIABLES = {
    "backing_address": "10.77.0.13",
    "backing_hmac_key": "key",
    "backing_postgres_logins": [{"user": "delight", "password": "postgres-secret"}],
    "backing_redis_passwords": ["redis-secret"],
    "backing_registry_password": "registry-secret",
    "backing_registry_certificate": "certificate",
    "backing_registry_key": "private-key",
    "backing_services": {
        "postgres": {"image": "postgres:17", "memory": "2g"},
        "redis": {"image": "redis:8"},
        "registry": {"image": "registry:2", "uid": 10098},
    },
    "balancer_image": "haproxy:3.0.11",
    "balancer_certificate_pem": "certificate and private-key",
    "balancer_source": "10.77.0.13",
    "balancer_hosts": [
        {"name": "app1", "address": "10.77.0.11", "port": 80, "ready_port": 8404},
        {"name": "app2", "address": "10.77.0.12", "port": 80, "ready_port": 8404},
    ],
}


PARTS = ("defaults", "vars")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every text, as Ansible itself renders it with the roles' defaults."""
    folder = tmp_path_factory.mktemp("rendered")
    plays = []
    for role in ("backing", "balancer"):
        names = [name for name, (owner, _) in TEXTS.items() if owner == role]
        plays.append(
            {
                "hosts": "localhost",
                "gather_facts": False,
                "vars_files": [str(ROOT / f"roles/{role}/{part}/main.yml") for part in PARTS],
                "vars": {"role_path": str(ROOT / "roles" / role)},
                "tasks": [task(name, folder) for name in names],
            }
        )
    playbook = folder / "render.yml"
    playbook.write_text(json.dumps(plays))
    ansible = Path(sys.executable).parent / "ansible-playbook"
    subprocess.run(
        [ansible, "-i", "localhost,", "-e", json.dumps(VARIABLES), playbook],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=os.environ | {"ANSIBLE_FILTER_PLUGINS": str(ROOT / "plugins/filter")},
    )
    return {name: (folder / name).read_text() for name in TEXTS}


def task(name: str, folder: Path) -> dict[str, object]:
    """The task that writes one text."""
    role, template = TEXTS[name]
    kind = template.split("/")[0]
    given = f"{{{{ _backing_catalog['{kind}'] | combine(backing_services['{kind}']) }}}}"
    return {
        "ansible.builtin.template": {
            "src": str(ROOT / "compose" / role / template),
            "dest": str(folder / name),
            "mode": "0600",
        },
        "delegate_to": "localhost",
        "connection": "local",
        "vars": {"service": given} if "/" in template else {},
    }


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_is_the_one_that_was_read(rendered: dict[str, str], name: str) -> None:
    compare(name, rendered[name])


@pytest.mark.promise("S3")
def test_no_secret_is_in_a_text(rendered: dict[str, str]) -> None:
    secrets = ["postgres-secret", "redis-secret", "registry-secret", "private-key"]
    assert not [name for name, text in rendered.items() if any(one in text for one in secrets)]


@pytest.mark.promise("H3")
@pytest.mark.parametrize("name", ["backing_compose.yml", "balancer_compose.yml"])
def test_containers_have_no_rights(rendered: dict[str, str], name: str) -> None:
    for service in yaml.safe_load(rendered[name])["services"].values():
        assert service["user"].split(":")[0] not in ("0", "root")
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
        assert {"mem_limit", "pids_limit", "logging"} <= service.keys()
        assert "ports" not in service
