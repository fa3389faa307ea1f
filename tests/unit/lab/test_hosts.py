"""What is asked of Docker to make hosts."""

import itertools
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab import hosts, paths
from lab.cgroups import Cgroups
from lab.inventory import Fleet, Host

HOST = Host("one", IPv4Address("10.99.0.11"), 2299, ("127.0.0.1:8099:80",))
FLEET = Fleet("demo", Path("/x"), "demo-net", IPv4Network("10.99.0.0/24"), (HOST,))


def pairs(argv: list[str]) -> set[tuple[str, str]]:
    """All neighbours: options with their values among them."""
    return set(itertools.pairwise(argv))


def test_a_host_has_a_fixed_address_and_publishes_on_loopback_only() -> None:
    argv = hosts.create(FLEET, HOST, Cgroups(None))
    assert ("--ip", "10.99.0.11") in pairs(argv)
    published = [value for option, value in pairs(argv) if option == "--publish"]
    assert sorted(published) == ["127.0.0.1:2299:22", "127.0.0.1:8099:80"]


def test_a_host_is_not_privileged() -> None:
    argv = hosts.create(FLEET, HOST, Cgroups(None))
    assert "--privileged" not in argv
    assert ("--cap-drop", "SYS_RESOURCE") in pairs(argv)


def test_hybrid_cgroups_lend_a_folder_of_the_v2_tree() -> None:
    argv = hosts.create(FLEET, HOST, Cgroups(Path("/cg")))
    assert ("--cgroupns", "host") in pairs(argv)
    assert ("--volume", "/cg/demo-net-one:/sys/fs/cgroup:rw") in pairs(argv)


def test_pure_v2_gives_a_namespace_and_no_folder() -> None:
    argv = hosts.create(FLEET, HOST, Cgroups(None))
    assert ("--cgroupns", "private") in pairs(argv)
    assert not any("/sys/fs/cgroup" in part for part in argv)


def test_the_engines_data_is_in_a_volume_with_the_fleets_label() -> None:
    assert ("--volume", "demo-net-one-docker:/var/lib/docker") in pairs(
        hosts.create(FLEET, HOST, Cgroups(None))
    )
    assert hosts.make_volume(FLEET, HOST) == [
        *("docker", "volume", "create", "--label=delight.lab.fleet=demo-net"),
        *(f"--label=delight.checkout={paths.CHECKOUT}", "demo-net-one-docker"),
    ]


def test_the_shape_changes_with_ports_and_not_with_images() -> None:
    moved = Host("one", HOST.address, 2298, HOST.publish)
    seeded = Host("one", HOST.address, HOST.ssh_port, HOST.publish, ("a:1",))
    assert hosts.shape(FLEET, moved) != hosts.shape(FLEET, HOST)
    assert hosts.shape(FLEET, seeded) == hosts.shape(FLEET, HOST)


def test_keys_are_pinned_under_both_names_of_a_host() -> None:
    assert hosts.pinned(HOST, "ssh-ed25519 AAAA root@one\n") == [
        "10.99.0.11 ssh-ed25519 AAAA",
        "[127.0.0.1]:2299 ssh-ed25519 AAAA",
    ]


def test_removal_takes_what_carries_the_label() -> None:
    listing = hosts.listing("container", FLEET.network)
    assert ("--filter", "label=delight.lab.fleet=demo-net") in pairs(listing)
    assert ("--filter", "label=delight.lab.fleet") in pairs(hosts.listing("volume"))
    assert hosts.removal("volume", ["a", "b"]) == ["docker", "volume", "rm", "a", "b"]


def test_folders_of_a_host_that_is_gone_are_removed(tmp_path: Path) -> None:
    (tmp_path / "demo-net-one/system.slice/x.service").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    Cgroups(tmp_path).remove("demo-net-one")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_pins_of_other_hosts_stay() -> None:
    known = "10.77.0.11 ssh-ed25519 AAAA\n10.77.0.13 ssh-ed25519 old\n10.77.0.13 ssh-rsa older\n"
    text = hosts.merged(known, ["10.77.0.13 ssh-ed25519 new"])
    assert text == "10.77.0.11 ssh-ed25519 AAAA\n10.77.0.13 ssh-ed25519 new\n"
