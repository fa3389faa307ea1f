"""A host after the role edge, before anything was released."""

import json
from typing import Any

import pytest
from testinfra.host import Host

ROOT = "/srv/delight/edge"
ADDRESS = "10.79.0.11"
BALANCERS = {"0.0.0.0:8080", "0.0.0.0:8443"}


@pytest.fixture
def container(host: Host) -> dict[str, Any]:
    """What Docker knows of the edge's container."""
    found: dict[str, Any] = json.loads(host.check_output("docker inspect delight-edge"))[0]
    return found


@pytest.mark.promise("H3")
def test_container_has_no_rights(container: dict[str, Any]) -> None:
    settings = container["HostConfig"]
    assert container["Config"]["User"] == "10099:10099"
    assert settings["CapDrop"] == ["ALL"]
    assert not settings["CapAdd"]
    assert settings["ReadonlyRootfs"] is True
    assert "no-new-privileges:true" in settings["SecurityOpt"]
    assert settings["Privileged"] is False


@pytest.mark.promise("H3")
def test_process_has_no_rights(host: Host, container: dict[str, Any]) -> None:
    status = host.file(f"/proc/{container['State']['Pid']}/status").content_string
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert lines["Uid"].split() == ["10099"] * 4
    assert int(lines["CapEff"], 16) == int(lines["CapBnd"], 16) == 0


def test_docker_is_not_in_the_data_path(container: dict[str, Any]) -> None:
    assert container["HostConfig"]["NetworkMode"] == "host"
    assert not container["HostConfig"]["PortBindings"]
    assert container["HostConfig"]["RestartPolicy"]["Name"] == "always"


def test_only_declared_addresses_are_bound(host: Host) -> None:
    lines = host.check_output("ss --no-header --listening --numeric --tcp --processes").splitlines()
    # The balancer of the scenario with all roles is an HAProxy too, with ports of its own.
    bound = {line.split()[3] for line in lines if '"haproxy"' in line} - BALANCERS
    assert bound == {"0.0.0.0:80", "10.89.255.254:80", f"{ADDRESS}:8404"}


def test_users_are_told_to_come_back(host: Host) -> None:
    head = host.check_output("curl -s -i http://127.0.0.1/").lower()
    assert head.startswith("http/1.1 503")
    assert "retry-after: 2" in head


def test_host_is_not_ready(host: Host) -> None:
    command = f"curl -s -o /dev/null -w '%{{http_code}}' http://{ADDRESS}:8404/ready"
    assert host.check_output(command) == "503"


@pytest.mark.parametrize(
    ("path", "mode", "owner", "group"),
    [
        ("", 0o2750, 0, 10099),
        ("/run", 0o700, 10099, 10099),
        ("/haproxy.cfg", 0o640, 0, 10099),
        ("/run/admin.sock", 0o600, 10099, 10099),
        ("/run/master.sock", 0o600, 10099, 10099),
    ],
)
def test_files_are_for_root_and_the_edge(
    host: Host, path: str, mode: int, owner: int, group: int
) -> None:
    file = host.file(ROOT + path)
    assert (file.mode, file.uid, file.gid) == (mode, owner, group)


@pytest.mark.parametrize(
    ("name", "content"), [("backends.cfg", ""), ("live.map", ""), ("pool.map", "pool in\n")]
)
def test_what_the_engine_fills_is_there(host: Host, name: str, content: str) -> None:
    assert host.file(f"{ROOT}/{name}").content_string == content


def test_low_ports_need_no_capability(host: Host) -> None:
    assert host.sysctl("net.ipv4.ip_unprivileged_port_start") == 80


def test_neighbours_are_asked_often_after_each_boot(host: Host) -> None:
    unit = host.check_output("systemctl cat docker.service")
    assert "net.ipv4.neigh.delight0.retrans_time_ms=50" in unit


@pytest.mark.promise("T11")
def test_edge_comes_back_by_itself(host: Host, container: dict[str, Any]) -> None:
    host.check_output(f"kill -KILL {container['State']['Pid']}")
    # No such path: curl repeats a 503, as /ready would be now, and takes a 404 for an answer.
    asked = f"curl -s --retry 60 --retry-connrefused --retry-delay 1 http://{ADDRESS}:8404/"
    assert host.check_output(asked) == "Not here"
    again = json.loads(host.check_output("docker inspect delight-edge"))[0]
    assert again["State"]["Running"] is True
    assert again["State"]["Pid"] != container["State"]["Pid"]
    assert again["RestartCount"] == container["RestartCount"] + 1
    # By hand, Docker counts from zero again: another test looks whether it restarts by itself.
    host.check_output("docker restart delight-edge")
    host.check_output(asked)
