"""Every mistake is named by its path, all in one go."""

from __future__ import annotations

from typing import Any

import pytest
from delight import schema, service, units
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
        ({"health": {"sucesses": 1}}, "services.api.health: unknown key 'sucesses'"),
        ({"prot": 1}, "services.api: unknown key 'prot'"),
        ({"port": "many"}, "services.api.port: Input should be a valid integer"),
        ({"drain": 30}, "services.api.drain: is not a duration"),
        ({"memory": "lots"}, "services.api.memory: is not a size"),
        ({"drain": "50s", "stop_grace": "40s"}, "raise stop_grace or lower drain"),
        ({"port": None}, "routes need a port"),
        ({"image": "registry.test/api:v1"}, "carries a tag or digest"),
        ({"user": "0:0"}, "services.api.user: "),
        ({"env": {"A": "1"}, "secrets": ["A"]}, "A stands in env and in secrets"),
        ({"env": {"A": [1]}}, "services.api.env.A: an environment value is"),
        ({"routes": [{"path": "api"}]}, "services.api.routes[0].path: "),
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
]


@pytest.mark.promise("S3")
@pytest.mark.parametrize("shape", SHAPES, ids=["text", "list", "mapping", "lists", "mixed"])
@pytest.mark.parametrize("key", KEYS, ids=".".join)
def test_no_mistake_tells_the_value(key: tuple[str, ...], shape: Any) -> None:
    change: dict[str, Any] = {key[-1]: shape}
    if len(key) > 1:
        change = {key[0]: [change] if key[0] == "routes" else change}
    try:
        schema.validate_services({"api": {**GOOD, **change}})
    except ConfigError as error:
        assert "hunter22" not in str(error)
        assert str(error).startswith(f"services.api.{key[0]}")
    else:
        # What takes any text, or any list of texts, cannot tell that this one is a secret.
        assert key[-1] in {"image", "host", "env", "command", "check"}


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
