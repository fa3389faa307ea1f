"""A host after the role balancer."""

import json

from testinfra.host import Host

CONTAINER = "delight-balancer-balancer-1"


def test_says_so_when_no_host_is_ready(host: Host) -> None:
    ask = "curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:8080/"
    assert host.check_output(ask) in ("404", "503")


def test_is_not_root_and_gains_nothing(host: Host) -> None:
    container = json.loads(host.check_output(f"docker inspect {CONTAINER}"))[0]
    assert container["State"]["Running"] is True
    assert container["RestartCount"] == 0
    assert container["Config"]["User"] == "10099:10099"
    assert container["HostConfig"]["CapDrop"] == ["ALL"]
    assert container["HostConfig"]["ReadonlyRootfs"] is True


def test_configuration_has_no_warning(host: Host) -> None:
    checked = host.run(f"docker exec {CONTAINER} haproxy -c -f /etc/delight/haproxy.cfg")
    assert checked.rc == 0
    assert "WARNING" not in checked.stdout + checked.stderr
