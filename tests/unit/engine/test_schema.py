"""Every mistake is named by its path, all in one go."""

from __future__ import annotations

from typing import Any

import pytest
from delight import reference, schema, service, units
from delight.errors import ConfigError

GOOD: dict[str, Any] = {"image": "registry.test/api", "port": 8000, "routes": [{"path": "/api"}]}


def mistakes(services: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        schema.validate_services(services)
    return caught.value.mistakes


@pytest.mark.promise("S1")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"health": {"headers": {"Host": "x"}}}, "health: headers has host: leave it out"),
        (
            {"health": {"headers": {"X-A": 'a"b'}}},
            "services.api.health.headers.X-A: String should match",
        ),
        ({"health": {"headers": {"X A": "a"}}}, "services.api.health.headers"),
        ({"health": {"sucesses": 1}}, "services.api.health: unknown key 'sucesses'"),
        ({"prot": 1}, "services.api: unknown key 'prot'"),
        ({"port": "many"}, "services.api.port: Input should be a valid integer"),
        ({"drain": 30}, "services.api.drain: is not a duration"),
        ({"memory": "lots"}, "services.api.memory: is not a size"),
        ({"drain": "50s", "stop_grace": "40s"}, "raise stop_grace or lower drain"),
        ({"port": None}, "routes need a port"),
        ({"image": "https://registry.test/api"}, "services.api.image: an image is no URL"),
        (
            {"image": "registry.test/API"},
            "services.api.image: a repository is written in lower case",
        ),
        (
            {"image": "registry.test/api:"},
            "services.api.image: what stands after the colon is no tag",
        ),
        ({"image": "registry.test/api@sha256:12"}, "services.api.image: the digest is not sha256:"),
        ({"user": "0:0"}, "services.api: user is root: give the uid"),
        ({"user": "node"}, "services.api.user: "),
        (
            {"capabilities": ["SYS_ADMIN"]},
            "services.api.capabilities[0]: Input should be 'AUDIT_WRITE'",
        ),
        ({"writable": [{"path": "/x", "mode": "rwx"}]}, "services.api.writable[0].mode: "),
        ({"writable": [{"path": "/x", "sizes": "1m"}]}, "writable[0]: unknown key 'sizes'"),
        ({"secrets": [{"name": "A", "deliver": "argv"}]}, "services.api.secrets[0].deliver: "),
        ({"secrets": ["A", {"name": "A"}]}, "A stands in secrets twice"),
        ({"health": {"command": ["true"]}}, "health.command is for services without a port"),
        ({"env": {"A": "1"}, "secrets": ["A"]}, "A stands in env and in secrets"),
        ({"env": {"A": [1]}}, "services.api.env.A: an environment value is"),
        ({"routes": [{"path": "api"}]}, "services.api.routes[0].path: "),
        ({"routes": [{"host": "a.*.example.com"}]}, "services.api.routes[0].host: "),
        ({"routes": [{"host": "*example.com"}]}, "services.api.routes[0].host: "),
        ({"routes": [], "port": None, "sticky": True}, "sticky and protocol need a port"),
        ({"routes": [], "port": None, "protocol": "h2"}, "sticky and protocol need a port"),
        ({"protocol": "http2"}, "services.api.protocol: "),
        ({"replicas": 55}, "services.api.replicas: "),
    ],
)
def test_a_mistake_is_named_by_its_path(change: dict[str, Any], said: str) -> None:
    found = mistakes({"api": {**GOOD, **change}})
    assert any(said in line for line in found), found
    assert all(line.startswith("services.api") for line in found)


# A secret in the wrong place, as a text and as each shape that YAML or a template can give it.
SECRET = "postgresql://u:hunter22@db/x"
SHAPES: list[Any] = [SECRET, [SECRET], {"DATABASE_URL": SECRET}, [[SECRET]], {"A": [SECRET]}]
KEYS = [
    *((name,) for name in service.Service.model_fields),
    *(("health", name) for name in service.Health.model_fields),
    *(("migrate", name) for name in service.Migrate.model_fields),
    *(("routes", name) for name in service.Route.model_fields),
    *(("secrets", name) for name in service.Secret.model_fields),
    *(("writable", name) for name in service.Writable.model_fields),
]


@pytest.mark.promise("S3")
@pytest.mark.parametrize("shape", SHAPES, ids=["text", "list", "mapping", "lists", "mixed"])
@pytest.mark.parametrize("key", KEYS, ids=".".join)
def test_no_mistake_tells_the_value(key: tuple[str, ...], shape: Any) -> None:
    change: dict[str, Any] = {key[-1]: shape}
    if len(key) > 1:
        change = {key[0]: [change] if key[0] in ("routes", "secrets", "writable") else change}
    try:
        schema.validate_services({"api": {**GOOD, **change}})
    except ConfigError as error:
        assert "hunter22" not in str(error)
        assert str(error).startswith("services.api") and key[0] in str(error)
    else:
        # What takes any text, or any list of texts, cannot tell that this one is a secret.
        assert key[-1] in {"host", "env", "command", "check", "entrypoint"}


def test_a_mistake_says_what_is_expected_and_what_was_found() -> None:
    assert mistakes({"api": {**GOOD, "secrets": {"DATABASE_URL": SECRET}}}) == [
        "services.api.secrets: Input should be a valid list (found a mapping)"
    ]
    assert mistakes({"api": {**GOOD, "port": [1]}}) == [
        "services.api.port: Input should be a valid integer (found a list)"
    ]
    assert mistakes({"api": None}) == [
        "services.api: Input should be a valid dictionary or instance of Service (found nothing)"
    ]


@pytest.mark.parametrize("name", [f.alias or n for n, f in schema.Settings.model_fields.items()])
def test_a_wrong_setting_is_named_by_its_variable_without_its_value(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        schema.validate_settings({"app_subnet": "10.89.0.0/16", name: SECRET})
    [mistake] = caught.value.mistakes
    assert mistake.startswith(f"{name}: ")
    assert "hunter22" not in mistake


@pytest.mark.promise("C11")
@pytest.mark.parametrize("root", ["/srv/shop", "/a", "/opt/my-sites/shop2", f"/srv/{'a' * 14}"])
def test_the_folder_of_the_root_names_the_application(root: str) -> None:
    found = schema.validate_settings({"app_subnet": "10.89.0.0/16", "release_root": root})
    assert found.app == root.rpartition("/")[2]


@pytest.mark.promise("C11")
@pytest.mark.parametrize(
    "root",
    [
        "",
        "shop",
        "/",
        "/srv/",
        "/srv/Shop",
        "/srv/2shop",
        "/srv/my-shop",
        "/srv/a\n",
        f"/srv/{'a' * 15}",
    ],
)
def test_a_root_whose_folder_is_no_name_is_refused(root: str) -> None:
    with pytest.raises(ConfigError) as caught:
        schema.validate_settings({"app_subnet": "10.89.0.0/16", "release_root": root})
    assert caught.value.mistakes == [
        "release_root: its folder names the application's network, containers and units on a host: a-z and 0-9, "
        "a letter first, at most 14, as in /srv/shop"
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("x", "a text"),
        ({}, "a mapping"),
        ([], "a list"),
        (None, "nothing"),
    ],
)
def test_kinds(value: object, said: str) -> None:
    assert units.kind(value) == said


@pytest.mark.parametrize(
    ("image", "repository", "version"),
    [
        ("redis", "redis", ""),
        ("ghcr.io/acme/shop", "ghcr.io/acme/shop", ""),
        ("10.0.0.1:5000/a_b/c--d:1.10", "10.0.0.1:5000/a_b/c--d", "1.10"),
        (
            f"docker.io/library/redis@sha256:{'a' * 64}",
            "docker.io/library/redis",
            f"sha256:{'a' * 64}",
        ),
        (f"redis:8@sha256:{'a' * 64}", "redis", f"sha256:{'a' * 64}"),
    ],
)
def test_an_image_may_carry_its_version(image: str, repository: str, version: str) -> None:
    assert reference.parse(image) == reference.Reference(repository, version)
    assert schema.validate_services({"api": {**GOOD, "image": image}})["api"].image == image


def test_the_name_of_a_secret_may_stand_for_it() -> None:
    secrets = ["A", {"name": "B", "deliver": "env"}, {"name": "C", "deliver": "file"}]
    found = schema.validate_services({"api": {**GOOD, "secrets": secrets}})["api"]
    assert (found.delivered("file"), found.delivered("env")) == (["A", "C"], ["B"])
    found = schema.validate_services({"api": {**GOOD, "secrets": secrets, "deliver": "env"}})["api"]
    assert (found.delivered("file"), found.delivered("env")) == (["C"], ["A", "B"])


@pytest.mark.parametrize(
    ("registries", "said"),
    [
        ({"https://ghcr.io": {}}, "registries.https://ghcr.io: is not a host"),
        ({"ghcr.io": {"user": "hunter22"}}, "registries.ghcr.io: unknown key 'user'"),
        (
            {"ghcr.io": {"password": "hunter22"}},
            "registries.ghcr.io: username and password go together",
        ),
        ({"ghcr.io": ["hunter22"]}, "registries.ghcr.io: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_registry_is_named_without_its_password(registries: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        schema.validate_registries(registries)
    [mistake] = caught.value.mistakes
    assert mistake.startswith(said)
    assert "hunter22" not in mistake


def test_a_missing_image_is_named() -> None:
    assert mistakes({"api": {"port": 1}}) == ["services.api.image: is missing"]


@pytest.mark.promise("S1")
def test_all_mistakes_come_at_once() -> None:
    found = mistakes({"api": {"imag": "x"}, "Web": GOOD, "web": {**GOOD, "port": -1}})
    paths = {line.split(":")[0] for line in found}
    assert {"services.api", "services.api.image", "services.Web", "services.web.port"} <= paths


def test_two_services_may_not_claim_one_route() -> None:
    assert mistakes({"api": GOOD, "web": GOOD}) == [
        "services.web.routes[0]: has the host and path of services.api.routes[0] already"
    ]


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_no_services_at_all_is_a_mistake(nothing: Any) -> None:
    assert "at least one" in mistakes(nothing)[0]


@pytest.mark.parametrize(
    ("text", "value"), [("500ms", 0.5), ("30s", 30), ("10m", 600), ("1h", 3600), ("1.5s", 1.5)]
)
def test_durations(text: str, value: float) -> None:
    assert units.seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("512m", 512 << 20), ("2g", 2 << 30), ("7", 7), ("1kb", 1024)]
)
def test_sizes(text: str, value: int) -> None:
    assert units.size(text) == value
