"""Names that fit where they stand, and that nobody else has."""

from __future__ import annotations

from delight.host.addresses import HOST_CHARS, host_label


def test_a_host_keeps_its_name_as_the_beginning_of_its_containers() -> None:
    assert host_label("web-1") == "web-1"
    assert host_label("Web_1.example.com") == "web-1-example-com"
    assert host_label("10.0.0.1") == "10-0-0-1"


def test_long_names_stay_apart() -> None:
    names = [f"application-production-frankfurt-{n}.example.com" for n in range(50)]
    labels = {host_label(name) for name in names}
    assert len(labels) == len(names)
    assert {len(label) for label in labels} == {HOST_CHARS}
    assert all(label.startswith("application-prod") for label in labels)
