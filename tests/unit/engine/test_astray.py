"""A secret in a text that everybody may read is found, whatever was made of it."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest
from delight import astray

pytestmark = pytest.mark.promise("S2", "S3")

LONG = "hunter22/hunter22+"
SECRETS = {"URL": f"redis://:{quote(LONG, safe='')}@h", "TOKEN": "hunter22"}


def found(text: Any, **vault: str) -> list[str]:
    values = {"services": {"api": {"env": {"X": text}}}, "secrets": SECRETS}
    return [line.split()[2].rstrip(",") for line in astray.mistakes(values, vault)]


@pytest.mark.parametrize(
    "text",
    [
        SECRETS["URL"],
        f"the url {SECRETS['URL']}.",
        LONG,
        quote(LONG, safe=""),
        base64.b64encode(f"me:{LONG}".encode()).decode(),
    ],
)
def test_as_a_part_and_in_other_words(text: str) -> None:
    assert found(text) == ["secrets.URL"]


def test_a_short_one_only_as_a_whole() -> None:
    assert found("hunter22") == ["secrets.TOKEN"]
    assert found("/hunter22/path") == found("hunter2") == found(22) == []


def test_what_stands_in_the_vault_and_is_none() -> None:
    vault = {
        "postgres_user": "delight_2",
        "postgres_before.user": "a-user-of-before",
        "other": "delight_3",
    }
    assert found("delight_2", **vault) == found("a-user-of-before", **vault) == []
    assert found("delight_3", **vault) == ["other"]


def test_what_everybody_may_have() -> None:
    """Certificates are kept with their keys, and keys begin and end as every other does."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    certificate = f"{begin}\nMIIBgDCCASWgAwIB\n{end}"
    assert found(certificate, registry_tls_certificate=certificate) == []
    both = f"{certificate}\nPRIVATE KEY-----\nMIGHAgEAMBMGByqG\n-----END"
    assert found(f"{begin}\nanother\n{end}", edge=both) == []
    assert found("MIGHAgEAMBMGByqG", edge=both) == ["edge"]


def test_what_a_run_reads_in_the_open_anyway() -> None:
    values = {
        "registry": "registry.example.com",
        "services": {"api": {"image": "registry.example.com/api"}},
    }
    assert astray.mistakes(values, {"registry": "registry.example.com"}) == []


def test_neither_path_nor_value_tells_it() -> None:
    values = {"images": {"hunter22": "hunter22"}, "secrets": {"A": {"hunter22": "hunter22"}}}
    assert astray.mistakes(values, {}) == [
        "images.••••••: holds secrets.A, which would stand in the open"
    ]


def test_each_kind_has_its_way_out() -> None:
    values = {"build_images": {"api": {"args": {"KEY": "hunter22"}}}, "version": "v1"}
    assert astray.mistakes(values, {"other": "hunter22"}) == [
        "build_images.api.args.KEY: holds other, which would stand in the open: "
        "whoever has the image has what it was built with"
    ]
