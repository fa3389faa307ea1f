"""What the lab makes in a real engine carries its checkout, and is found, kept or removed by that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab import checkout, cleaning, hosts, inventory, lifecycle, paths
from lab.errors import LabError
from lab.inventory import Fleet
from tests.image.conftest import RUN, docker

ROOT = Path(__file__).resolve().parents[2]
NAME = f"{RUN}-fleet"
BASE = "delight-lab/base:13"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet with names of its own."""
    known = inventory.load(ROOT / "molecule/inventory")
    subnet = IPv4Network("198.18.0.0/16")  # no network of it is made
    yield replace(known, env=NAME, directory=tmp_path, network=NAME, subnet=subnet)
    for kind in checkout.KINDS:
        docker(
            *hosts.removal(kind, [f"{NAME}-one" if kind == "container" else NAME])[1:], check=False
        )


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, lab_images: None) -> Callable[[Path], None]:
    """Go to a checkout and make a container, a volume and a network there, marked as the lab marks hosts."""

    def made(folder: Path) -> None:
        monkeypatch.setattr(paths, "CHECKOUT", folder)
        labels = hosts.labels(NAME)
        docker("network", "create", *labels, NAME)
        docker("volume", "create", *labels, NAME)
        docker("run", "--detach", "--init", f"--name={NAME}-one", *labels, f"--network={NAME}",
               f"--volume={NAME}:/data", BASE, "sleep", "600")  # fmt: skip

    return made


def test_another_checkouts_hosts_are_refused_kept_and_taken_over_when_it_is_gone(
    fleet: Fleet, make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    make(first)
    monkeypatch.setattr(paths, "CHECKOUT", second)
    with pytest.raises(LabError, match=f"belong to {first}: run `make clean` there"):
        checkout.claim(fleet)
    assert lifecycle.stop(NAME) == []
    assert cleaning.environment(fleet) == {}
    assert len(checkout.found(NAME)) == len(checkout.KINDS)
    first.rmdir()
    assert checkout.claim(fleet) == [f"removed the hosts of {first}, which is gone"]
    assert not checkout.found(NAME)


def test_this_checkouts_hosts_are_stopped_and_removed(
    fleet: Fleet, make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path)
    assert lifecycle.stop(NAME) == [f"{NAME}-one"]
    assert lifecycle.stop(NAME) == []
    assert cleaning.environment(fleet) == {
        "container": [f"{NAME}-one"],
        "volume": [NAME],
        "network": [NAME],
    }
