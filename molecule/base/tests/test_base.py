"""A host after the role base."""

import pytest
from testinfra.host import Host


@pytest.mark.promise("H1")
def test_security_upgrades_are_installed(host: Host) -> None:
    assert host.package("unattended-upgrades").is_installed


@pytest.mark.promise("H1")
@pytest.mark.parametrize(
    "setting",
    ["permitrootlogin no", "passwordauthentication no", "kbdinteractiveauthentication no"],
)
def test_ssh_takes_keys_only(host: Host, setting: str) -> None:
    assert setting in host.check_output("sshd -T").splitlines()


def test_the_server_that_listens_refuses_passwords(host: Host) -> None:
    command = (
        "ssh -v -o BatchMode=yes -o PubkeyAuthentication=no"
        " -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/dev/null root@127.0.0.1 true || true"
    )
    offered = host.run(command).stderr
    assert "Authentications that can continue: publickey" in offered
    assert "password" not in offered.split("Authentications that can continue:")[1].split("\n")[0]


def test_journal_is_bounded(host: Host) -> None:
    config = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    assert "SystemMaxUse=500M" in config


def test_security_upgrades_leave_the_engine_alone(host: Host) -> None:
    config = host.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in config
    assert 'Unattended-Upgrade::Package-Blacklist:: "^docker\\.io$";' in config
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in config


def test_redirects_are_not_followed(host: Host) -> None:
    assert host.sysctl("net.ipv4.conf.all.accept_redirects") == 0
