"""A release is a pure function of what goes into it, and gives no secret away."""

from __future__ import annotations

import json

import pytest
from delight import release
from delight.host import envfile

from .conftest import API, SECRETS, make_release


@pytest.mark.promise("C1")
def test_the_same_input_gives_the_same_id() -> None:
    assert make_release("v1").manifest == make_release("v1").manifest


def test_anything_else_gives_another_id() -> None:
    ids = {
        make_release("v1").id,
        make_release("v2").id,
        make_release("v1", {"api": {**API, "env": {"A": "1"}}}).id,
        make_release("v1", {"api": {**API, "drain": "5s"}}).id,
        make_release("v1", secrets={"DATABASE_URL": "other"}).id,
    }
    assert len(ids) == 5


def test_a_gate_setting_changes_the_release_but_not_the_container() -> None:
    slow = make_release("v1", {"api": {**API, "health": {"timeout": "90s"}}})
    prints = {r.manifest["services"]["api"]["fingerprint"] for r in (slow, make_release("v1"))}
    assert slow.id != make_release("v1").id
    assert len(prints) == 1


@pytest.mark.promise("S3")
def test_no_secret_value_is_in_a_release() -> None:
    built = make_release("v1")
    text = json.dumps([built.manifest, built.files])
    assert "hunter22" not in text


@pytest.mark.promise("S4")
def test_contents_give_a_secret_to_the_uid_of_its_container_alone() -> None:
    file = release.contents(make_release("v1"), SECRETS)["secrets/api/DATABASE_URL"]
    assert (file["mode"], file["owner"]) == ("0400", [10001, 10001])


@pytest.mark.promise("S4")
def test_a_secret_for_the_environment_is_in_a_file_of_root_alone() -> None:
    service = {**API, "secrets": ["DATABASE_URL", {"name": "KEY", "deliver": "env"}]}
    values = {**SECRETS, "KEY": "it's\nhunter33"}
    built = make_release("v1", {"api": service}, values)
    files = release.contents(built, values)
    assert files["secrets/api.env"] == {
        "text": 'KEY="it\'s\\nhunter33"\n',
        "mode": "0400",
        "owner": [0, 0],
    }
    assert {n for n in files if n.startswith("secrets/")} == {
        n for n in built.manifest["files"] if n.startswith("secrets/")
    }
    assert "KEY" not in files["api.env"]["text"]
    assert "hunter33" not in json.dumps([built.manifest, built.files])
    other = make_release("v1", {"api": service}, {**values, "KEY": "another"})
    prints = [one.manifest["services"]["api"]["fingerprint"] for one in (built, other)]
    assert prints[0] != prints[1]


def test_an_id_reads_as_its_version() -> None:
    assert make_release("Feature/X 1").id.startswith("feature-x-1-")


def test_values_of_settings_stay_literal() -> None:
    assert envfile.quoted("a $HOME b") == "'a $HOME b'"
    assert envfile.quoted("it's $5 \\ \n") == '"it\'s \\$5 \\\\ \\n"'
