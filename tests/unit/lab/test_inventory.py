"""An inventory folder is the lab's only input."""

from pathlib import Path
from typing import Any

import pytest

from lab import inventory
from lab.errors import LabError

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path("x/hosts.yml")


def tree(**host: Any) -> dict[str, Any]:
    """A fleet of one host."""
    values = {"ansible_port": 2299, "host_address": "10.99.0.11", **host}
    return {
        "all": {
            "children": {
                "demo": {
                    "vars": {"lab_network": {"name": "demo-net", "subnet": "10.99.0.0/24"}},
                    "children": {
                        "app": {"vars": {"lab_images": ["a:1"]}, "hosts": {"one": values}}
                    },
                }
            }
        }
    }


def parse(document: Any) -> inventory.Fleet:
    """The fleet of a document."""
    return inventory.parse(document, Path("/x"), SOURCE)


def test_values_of_groups_reach_their_hosts_and_hosts_win() -> None:
    assert parse(tree()).hosts[0].images == ("a:1",)
    assert parse(tree(lab_images=["b:1"])).hosts[0].images == ("b:1",)


def test_a_container_is_named_after_network_and_host() -> None:
    fleet = parse(tree())
    assert (fleet.env, fleet.container(fleet.hosts[0])) == ("demo", "demo-net-one")


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ({"host_address": "10.98.0.1"}, "one.host_address 10.98.0.1 is not in 10.99.0.0/24"),
        ({"host_address": "here"}, "one.host_address"),
        ({"ansible_port": "ssh"}, "one.ansible_port"),
    ],
)
def test_a_wrong_value_is_named(host: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError, match=f"{SOURCE}: .*{said}"):
        parse(tree(**host))


@pytest.mark.parametrize("missing", ["host_address", "ansible_port"])
def test_a_missing_value_is_named(missing: str) -> None:
    document = tree()
    del document["all"]["children"]["demo"]["children"]["app"]["hosts"]["one"][missing]
    with pytest.raises(LabError, match=f"host one needs {missing}"):
        parse(document)


@pytest.mark.parametrize("document", [None, [], {"all": {}}, {"all": {"children": {"x": None}}}])
def test_a_folder_without_a_lab_network_is_refused(document: Any) -> None:
    with pytest.raises(LabError, match="lab_network"):
        parse(document)


def test_a_folder_without_hosts_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no such file"):
        inventory.load(tmp_path)


def test_an_unknown_host_names_the_known_ones() -> None:
    with pytest.raises(LabError, match=r"no host two \(there are: one\)"):
        parse(tree()).host("two")


def test_local_is_two_application_hosts_and_a_data_host() -> None:
    fleet = inventory.load(ROOT / "inventories/local")
    assert [host.name for host in fleet.hosts] == ["app1", "app2", "data1"]
    assert fleet.registry == "10.77.0.13:5000"
    assert fleet.url == "http://127.0.0.1:8080"
