"""Every mistake is named by its path, all in one go."""

from __future__ import annotations

from typing import Any

import pytest
from delight import schema, units

GOOD: dict[str, Any] = {"image": "registry.test/api", "port": 8000, "routes": [{"path": "/api"}]}


def mistakes(services: Any) -> list[str]:
    with pytest.raises(schema.ConfigError) as caught:
        schema.validate_services(services)
    return caught.value.mistakes


@pytest.mark.promise("S1")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"health": {"sucesses": 1}}, "services.api.health: unknown key 'sucesses'"),
        ({"prot": 1}, "services.api: unknown key 'prot'"),
        ({"port": "many"}, "services.api.port: Input should be a valid integer"),
        ({"drain": 30}, "services.api.drain: 30 is not a duration"),
        ({"memory": "lots"}, "services.api.memory: 'lots' is not a size"),
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


def test_a_missing_image_is_named() -> None:
    assert mistakes({"api": {"port": 1}}) == ["services.api.image: is missing"]


@pytest.mark.promise("S1")
def test_all_mistakes_come_at_once() -> None:
    found = mistakes({"api": {"imag": "x"}, "Web": GOOD, "web": {**GOOD, "port": -1}})
    paths = {line.split(":")[0] for line in found}
    assert {"services.api", "services.api.image", "services.Web", "services.web.port"} <= paths


def test_two_services_may_not_claim_one_route() -> None:
    assert "is a route of api already" in mistakes({"api": GOOD, "web": GOOD})[0]


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
