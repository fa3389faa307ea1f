"""What all roles together make of one host."""

import pytest
from testinfra.host import Host


@pytest.mark.promise("H1", "W1")
@pytest.mark.parametrize("project", ["delight-balancer", "delight-data", "delight-edge"])
def test_project_is_stable(host: Host, project: str) -> None:
    listed = host.check_output(
        f"docker ps --all --quiet --filter label=com.docker.compose.project={project}"
        " | xargs docker inspect --format '{{.State.Status}} {{.RestartCount}}'"
    )
    assert set(listed.splitlines()) == {"running 0"}


def test_nothing_but_the_ways_in_answers_on_every_address(host: Host) -> None:
    listening = host.check_output("ss -Hltn").splitlines()
    everywhere = {
        address.rsplit(":", 1)[1]
        for address in (line.split()[3] for line in listening)
        if address.rsplit(":", 1)[0] in ("0.0.0.0", "*", "[::]")  # noqa: S104
    }
    assert everywhere == {"22", "80", "8080", "8443"}


def test_balancer_waits_for_a_ready_host(host: Host) -> None:
    ask = "curl -sk --output /dev/null --write-out '%{http_code}' https://127.0.0.1:8443/"
    assert host.check_output(ask) == "503"
