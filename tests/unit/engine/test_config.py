"""What an operator says of one run, and what each host is told for it."""

from __future__ import annotations

from typing import Any

import pytest
from delight import config, inputs, params, registry, schema
from delight.errors import ConfigError

from tests.unit.engine.conftest import API, KEY, SECRETS, WORKER, make_release

SAID: dict[str, Any] = {"skip_gate": False, "allow_mixed": False, "migrate": "manual"}


def options(**said: Any) -> config.Options:
    return config.options((SAID | said).__getitem__)


def test_options_may_be_text_as_the_command_line_has_it() -> None:
    assert options() == config.Options(False, False, False)
    assert options(skip_gate="true", migrate="before") == config.Options(True, False, True)
    assert not options(skip_gate="false").skip_gate


def test_every_wrong_option_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        options(skip_gate="perhaps", allow_mixed="", migrate="after")
    assert caught.value.mistakes == [
        "skip_gate: is neither true nor false",
        "allow_mixed: is neither true nor false",
        "migrate: is neither manual nor before",
    ]


def test_the_settings_that_a_run_brings_are_those_of_the_schema() -> None:
    fields = schema.Settings.model_fields.items()
    assert sorted(inputs.SETTINGS) == sorted(field.alias or name for name, field in fields)


LOADED: dict[str, Any] = {
    "app_subnet": "10.89.0.0/16",
    "deploy_engine": "compose",
    "release_root": "/srv/delight",
    "release_keep": 5,
    "release_memory_margin": "256m",
    "release_disk_free": "1g",
    "release_inodes_free": 1,
    "database_max_connections": 0,
    "retire_drain": "60s",
    "release_https": False,
    "services": {"api": API},
    "secrets": SECRETS,
    "compromised_secrets": {},
    "astray": [],
    "release_hmac_key": KEY,
    "env_name": "test",
    "app_source": "",
    "registry": "registry.test",
    "registry_username": "",
    "registry_password": "",
    "registry_ca": "",
    "registries": {},
    "version": "",
    "images": {},
}


@pytest.mark.promise("S3")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"secrets": "hunter22"}, "secrets: must be a mapping (found a text)"),
        ({"secrets": ["hunter22"]}, "secrets: must be a mapping (found a list)"),
        (
            {"secrets": {"DATABASE_URL": ["hunter22"]}},
            "secrets.DATABASE_URL: must be a text (found a list); correct it with ansible-vault edit",
        ),
        (
            {"secrets": {"OTHER": "hunter22"}},
            "services.api.secrets: DATABASE_URL is not in the vault's `secrets`; add it with",
        ),
        ({"release_hmac_key": ["hunter22"]}, "release_hmac_key: must be a text of at least 16"),
        ({"release_keep": "hunter22"}, "release_keep: Input should be a valid integer"),
        ({"images": "hunter22"}, "images: must be a mapping (found a text)"),
        ({"images": {"web": "hunter22"}}, "images.web: no such service; known are api"),
    ],
)
def test_wrong_variables_are_named_without_their_values(change: dict[str, Any], said: str) -> None:
    value = (LOADED | change).__getitem__
    with pytest.raises(ConfigError) as caught:
        config.wanted_tags(config.load(value), value, "v1")
    assert said in str(caught.value)
    assert "hunter22" not in str(caught.value)


@pytest.mark.promise("S1")
@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        (1.1, 'write the tag as text, in quotes, as "1.10" (found a number)'),
        (20261122, 'write the tag as text, in quotes, as "1.10" (found a number)'),
        (["v1"], 'write the tag as text, in quotes, as "1.10" (found a list)'),
        (True, 'write the tag as text, in quotes, as "1.10" (found a boolean)'),
        ("v 1", "is no tag (letters, digits, `.`, `_`, `-`) and no digest (sha256:…)"),
        ("../v1", "is no tag (letters, digits, `.`, `_`, `-`) and no digest (sha256:…)"),
        ("sha256:1234", "is no tag (letters, digits, `.`, `_`, `-`) and no digest (sha256:…)"),
    ],
)
def test_another_tag_than_the_one_written_is_never_deployed(said: Any, mistake: str) -> None:
    value = (LOADED | {"images": {"api": said}, "version": said}).__getitem__
    with pytest.raises(ConfigError) as caught:
        config.wanted_tags(config.load(value), value, "v1")
    assert caught.value.mistakes == [f"images.api: {mistake}"]
    with pytest.raises(ConfigError) as caught:
        config.version_asked(value)
    assert caught.value.mistakes == [f"version: {mistake}"]


def test_a_version_that_an_image_carries_stays() -> None:
    services = {"api": API, "exporter": {"image": "docker.io/x/exporter:0.15"}}

    def wanted(asked: str, **said: Any) -> tuple[str, dict[str, str]]:
        value = (LOADED | {"services": services} | said).__getitem__
        return config.wanted_tags(config.load(value), value, asked)

    assert wanted("v1") == ("v1", {"api": "v1", "exporter": "0.15"})
    assert wanted("v1", images={"exporter": "0.16"})[1] == {"api": "v1", "exporter": "0.16"}
    # Nothing is left to be named by a version.
    assert wanted("", images={"api": "v3"}) == ("release", {"api": "v3", "exporter": "0.15"})


REGISTRIES: dict[str, Any] = {
    "registry_username": "us",
    "registry_password": "own-word",
    "registries": {
        "ghcr.io": {"username": "me", "password": "hub-word"},
        "docker.io": {"ca": "PEM"},
    },
}


@pytest.mark.promise("S9")
def test_a_login_is_for_the_images_of_its_own_registry() -> None:
    value = (LOADED | REGISTRIES).__getitem__
    images = ["registry.test/api@x", "ghcr.io/a/b@x", "redis@x", "registry.test.evil/api@x"]
    assert params.logins(images, value) == {
        "registry.test/api@x": {"username": "us", "password": "own-word"},
        "ghcr.io/a/b@x": {"username": "me", "password": "hub-word"},
    }
    assert config.logins(value)["registry-1.docker.io"] == registry.Login(ca="PEM")
    with pytest.raises(ConfigError, match=r"registries.registry.test: is `registry`"):
        config.logins((LOADED | {"registries": {"registry.test": {}}}).__getitem__)
    # A path belongs to the names of images, not to the host.
    own = (LOADED | REGISTRIES | {"registry": "ghcr.io/acme", "registries": {}}).__getitem__
    assert list(config.logins(own)) == ["ghcr.io"]


CHECKED = {"api": {**API, "check": ["look"]}, "worker": {**WORKER, "check": ["see"]}}


def checks(kind: str = "deploy", skip_gate: bool = False) -> list[dict[str, Any]]:
    manifest = make_release("v1", {**CHECKED, "other": WORKER}).manifest
    mine = {"stage": [{"service": "api"}], "workers": [{"service": "other"}]}
    return params.checks({"kind": kind, "skip_gate": skip_gate, "manifest": manifest}, mine)


def test_what_a_deploy_renews_is_checked_before() -> None:
    assert checks() == [{"service": "api", "argv": ["look"], "timeout_s": 60}]


@pytest.mark.parametrize("plan", [{"kind": "rollback"}, {"kind": "migrate"}, {"skip_gate": True}])
def test_nothing_is_checked_where_an_outage_may_be_the_reason(plan: dict[str, Any]) -> None:
    assert checks(**plan) == []


def test_an_image_of_several_services_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def digest_of(image: str, tag: str, login: registry.Login) -> str:
        asked.append((image, tag))
        return f"sha256:{tag}"

    monkeypatch.setattr(registry, "digest_of", digest_of)
    images = {"api": "r.test/a", "worker": "r.test/a", "web": "r.test/w"}
    found = registry.resolve(images, dict.fromkeys(images, "v1"), {})
    assert found == {name: f"{image}@sha256:v1" for name, image in images.items()}
    assert sorted(asked) == [("r.test/a", "v1"), ("r.test/w", "v1")]
