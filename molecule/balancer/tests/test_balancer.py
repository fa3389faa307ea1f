"""A host after the role balancer."""

import json

import pytest
from testinfra.host import Host

CONTAINER = "delight-balancer-balancer-1"
ROOT = "/srv/delight-balancer"
# What the process says of the configuration that it has loaded.
LOADED = f"""
import socket
with socket.socket(socket.AF_UNIX) as admin:
    admin.connect("{ROOT}/run/admin.sock")
    admin.sendall(b"get var proc.config\\n")
    print(admin.recv(1000).decode())
"""


def status(host: Host, url: str) -> str:
    """The status of an answer, and where it sends."""
    shown = "%{http_code} %{redirect_url}"
    ask = "curl --silent --insecure --output /dev/null --write-out"
    found: str = host.check_output(f"{ask} '{shown}' {url}")
    return found


def test_says_so_when_no_host_is_ready(host: Host) -> None:
    assert status(host, "https://127.0.0.1:8443/").split() in (["404"], ["503"])


def test_users_are_sent_to_the_port_with_the_certificate(host: Host) -> None:
    assert status(host, "http://127.0.0.1:8080/a?b") == "308 https://127.0.0.1:8443/a?b"


def test_is_not_root_and_gains_nothing(host: Host) -> None:
    container = json.loads(host.check_output(f"docker inspect {CONTAINER}"))[0]
    assert container["State"]["Running"] is True
    assert container["RestartCount"] == 0
    assert container["Config"]["User"] == "10099:10099"
    assert container["HostConfig"]["CapDrop"] == ["ALL"]
    assert container["HostConfig"]["ReadonlyRootfs"] is True


@pytest.mark.parametrize(
    ("path", "mode", "owner", "group"),
    [
        ("/config", 0o750, 0, 10099),
        ("/config/haproxy.cfg", 0o640, 0, 10099),
        ("/config/certificate.pem", 0o440, 0, 10099),
        ("/run", 0o700, 10099, 10099),
        ("/run/admin.sock", 0o600, 10099, 10099),
        ("/run/master.sock", 0o600, 10099, 10099),
    ],
)
def test_files_are_for_root_and_the_balancer(
    host: Host, path: str, mode: int, owner: int, group: int
) -> None:
    file = host.file(ROOT + path)
    assert (file.mode, file.uid, file.gid) == (mode, owner, group)


def test_what_runs_can_be_compared_with_what_is_written(host: Host) -> None:
    said = host.check_output(f"python3 -c '{LOADED}'")
    name = said.partition("value=<")[2].partition(">")[0]
    assert (
        name
        and f"set-var proc.config str({name})"
        in host.file(f"{ROOT}/config/haproxy.cfg").content_string
    )


def test_configuration_has_no_warning(host: Host) -> None:
    checked = host.run(f"docker exec {CONTAINER} haproxy -c -f {ROOT}/config/haproxy.cfg")
    assert checked.rc == 0
    assert "WARNING" not in checked.stdout + checked.stderr
