"""A host after the role backing."""

import json
from typing import Any

import pytest
from testinfra.host import Host

ADDRESS = "10.79.0.11"
ROOT = "/srv/delight-data"
SERVICES = {"postgres": 5432, "redis": 6379, "registry": 5000}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def container(host: Host, service: str) -> dict[str, Any]:
    found = host.check_output(f"docker inspect delight-data-{service}-1")
    return dict(json.loads(found)[0])


@pytest.mark.promise("M4", "H1")
def test_is_healthy(container: dict[str, Any]) -> None:
    assert container["State"]["Health"]["Status"] == "healthy"


def test_listens_on_the_declared_address_only(host: Host, service: str) -> None:
    port = SERVICES[service]
    assert host.socket(f"tcp://{ADDRESS}:{port}").is_listening
    listening = host.check_output(f"ss -Hltn 'sport = :{port}'").splitlines()
    assert len(listening) == 1


@pytest.mark.promise("H3")
def test_is_not_root_and_gains_nothing(container: dict[str, Any]) -> None:
    assert container["Config"]["User"] == "999:999"
    settings = container["HostConfig"]
    assert settings["ReadonlyRootfs"] is True
    assert settings["CapDrop"] == ["ALL"]
    assert settings["SecurityOpt"] == ["no-new-privileges:true"]
    assert settings["RestartPolicy"]["Name"] == "unless-stopped"


def test_logs_are_bounded(container: dict[str, Any]) -> None:
    assert container["HostConfig"]["LogConfig"]["Config"] == {"max-file": "3", "max-size": "10m"}


def test_data_is_a_folder_of_the_host(host: Host, service: str) -> None:
    folder = host.file(f"{ROOT}/data/{service}")
    assert (folder.mode, folder.uid) == (0o700, 999)


@pytest.mark.promise("S4")
def test_secrets_are_for_the_service_alone(host: Host, service: str) -> None:
    folder = host.file(f"{ROOT}/secrets/{service}")
    assert (folder.mode, folder.uid) == (0o500, 999)
    for name in folder.listdir():
        file = host.file(f"{folder.path}/{name}")
        assert (file.mode, file.uid) == (0o400, 999)


@pytest.mark.promise("S3")
def test_secrets_are_not_in_the_container_settings(host: Host, service: str) -> None:
    inspected = host.check_output(f"docker inspect delight-data-{service}-1")
    name = {"registry": "htpasswd", "redis": "passwords", "postgres": "logins"}[service]
    words = host.file(f"{ROOT}/secrets/{service}/{name}").content_string.split()
    assert words[-1] not in inspected


def test_database_takes_its_user_with_the_password(host: Host) -> None:
    login = (
        'docker exec delight-data-postgres-1 sh -c \'PGPASSWORD=$(cut -d" " -f2 /run/secrets/logins)'
        f' psql -h {ADDRESS} -U delight -d delight -Atc "SELECT current_user"\''
    )
    assert host.check_output(login) == "delight"


def test_database_refuses_another_password_and_the_superuser(host: Host) -> None:
    psql = f"docker exec -e PGPASSWORD=wrong delight-data-postgres-1 psql -h {ADDRESS}"
    assert "authentication failed" in host.run(f"{psql} -U delight -d delight -c ''").stderr
    assert "no pg_hba.conf entry" in host.run(f"{psql} -U postgres -d delight -c ''").stderr


def test_redis_asks_for_the_password(host: Host) -> None:
    ping = host.check_output(f"docker exec delight-data-redis-1 redis-cli -h {ADDRESS} ping")
    assert "NOAUTH" in ping


def test_registry_asks_for_the_login(host: Host) -> None:
    ask = f"curl --silent --insecure --output /dev/null --write-out '%{{http_code}}' https://{ADDRESS}:5000/v2/"
    assert host.check_output(ask) == "401"
