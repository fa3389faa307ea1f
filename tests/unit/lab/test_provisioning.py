"""What makes `make local` provision again, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import inventory, paths, provisioning, shell

HOSTS = """\
all:
  children:
    local:
      vars:
        lab_network: {name: demo-net, subnet: 10.70.0.0/24}
      hosts:
        app1: {host_address: 10.70.0.11, ansible_port: 2201}
"""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> inventory.Fleet:
    """One host, and a tree of two sources."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "LAB", tmp_path / ".lab")
    monkeypatch.setattr(shell, "run", lambda argv: f"container of {argv[-1]}\n")
    for name in ("roles/edge/tasks.yml", "roles/edge/README.md", "ansible.cfg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("as it was")
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "hosts.yml").write_text(HOSTS)
    found = inventory.load(folder)
    paths.env_dir(found.env).mkdir(parents=True)
    return found


def test_the_same_tree_is_not_provisioned_again(fleet: inventory.Fleet) -> None:
    first = provisioning.stamp(fleet)
    assert not provisioning.done(fleet, first)
    provisioning.leave(fleet, first)
    assert provisioning.done(fleet, provisioning.stamp(fleet))


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("roles/edge/tasks.yml", True),
        ("inventory/hosts.yml", True),
        ("roles/edge/README.md", False),
    ],
)
def test_what_it_is_made_from_decides(fleet: inventory.Fleet, name: str, again: bool) -> None:
    provisioning.leave(fleet, provisioning.stamp(fleet))
    with (paths.ROOT / name).open("a") as file:
        file.write("# changed\n")
    assert provisioning.done(fleet, provisioning.stamp(fleet)) != again


def test_another_host_is_provisioned(
    fleet: inventory.Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    provisioning.leave(fleet, provisioning.stamp(fleet))
    monkeypatch.setattr(shell, "run", lambda argv: "a new container\n")
    assert not provisioning.done(fleet, provisioning.stamp(fleet))
