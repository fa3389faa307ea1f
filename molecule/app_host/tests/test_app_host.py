"""A host after the role app_host."""

import json

import pytest
from testinfra.host import Host


@pytest.mark.parametrize("path", ["/srv/delight", "/srv/delight/releases"])
def test_folder_is_closed(host: Host, path: str) -> None:
    folder = host.file(path)
    assert (folder.mode, folder.user, folder.group) == (0o750, "root", "root")


@pytest.mark.promise("C11")
def test_the_folder_says_whose_it_is(host: Host) -> None:
    assert host.file("/srv/delight/environment").content_string == "molecule\n"


def test_network_has_room_for_fixed_addresses(host: Host) -> None:
    network = json.loads(host.check_output("docker network inspect delight"))[0]
    assert network["IPAM"]["Config"] == [
        {"Subnet": "10.89.0.0/16", "IPRange": "10.89.250.0/24", "Gateway": "10.89.255.254"}
    ]
    assert network["Options"] == {"com.docker.network.bridge.name": "delight0"}
    assert "10.89.255.254" in host.interface("delight0").addresses


def test_sweeper_runs_now_and_at_boot(host: Host) -> None:
    timer = host.service("delight-sweep.timer")
    assert timer.is_running
    assert timer.is_enabled


def test_the_agent_of_sudo_rules_is_roots_alone(host: Host) -> None:
    agent = host.file("/usr/local/lib/delight/agent")
    assert (agent.mode, agent.user, agent.group) == (0o755, "root", "root")
