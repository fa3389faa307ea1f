"""A host after the role docker."""

import json

import pytest
from testinfra.host import Host


@pytest.fixture(scope="module")
def info(host: Host) -> dict[str, object]:
    found: dict[str, object] = json.loads(host.check_output("docker info --format '{{json .}}'"))
    return found


def test_engine_runs_now_and_at_boot(host: Host) -> None:
    service = host.service("docker")
    assert service.is_running
    assert service.is_enabled


def test_compose_is_version_2(host: Host) -> None:
    assert host.check_output("docker compose version --short").startswith("2.")


@pytest.mark.promise("T11", "H1")
def test_containers_outlive_the_daemon(info: dict[str, object]) -> None:
    assert info["LiveRestoreEnabled"] is True


def test_logs_are_bounded(host: Host, info: dict[str, object]) -> None:
    assert info["LoggingDriver"] == "json-file"
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert settings["log-opts"] == {"max-file": "3", "max-size": "10m"}


def test_pool_stays_away_from_the_application(info: dict[str, object]) -> None:
    assert info["DefaultAddressPools"] == [{"Base": "172.29.0.0/16", "Size": 24}]


def test_registry_authority_is_trusted(host: Host) -> None:
    authority = host.file("/etc/docker/certs.d/10.79.0.11:5000/ca.crt")
    assert authority.mode == 0o644
    assert "BEGIN CERTIFICATE" in authority.content_string
