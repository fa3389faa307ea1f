"""What a deployed environment must answer."""

from __future__ import annotations

from typing import Any

import pytest
from delight import smoke
from delight.errors import ConfigError
from delight.smoke import Answer, Check

HEALTH = '{"status": "healthy", "release": "v2", "checks": {"redis": {"status": "error"}}}'


def check(**said: Any) -> Check:
    return Check.model_validate(said)


@pytest.mark.parametrize(
    ("said", "answer", "wrong"),
    [
        ({}, Answer(200, "hello"), ""),
        ({}, Answer(error="no answer (refused)"), "no answer (refused)"),
        ({}, Answer(503), "status 503, expected 200"),
        ({"status": 401}, Answer(401), ""),
        ({"text": "</html>"}, Answer(200, "<html></html>"), ""),
        ({"text": "</html>"}, Answer(200, "No route"), "the answer has no '</html>' in it"),
        ({"json": {"status": "healthy"}}, Answer(200, HEALTH), ""),
        ({"json": {"status": "healthy"}}, Answer(200, "<html>"), "the answer is no JSON"),
        (
            {"json": {"checks.redis.status": "connected"}},
            Answer(200, HEALTH),
            "checks.redis.status is 'error', expected 'connected'",
        ),
        (
            {"json": {"checks.database.status": "connected"}},
            Answer(200, HEALTH),
            "checks.database.status is missing, expected 'connected'",
        ),
    ],
)
def test_an_answer_is_judged(said: dict[str, Any], answer: Answer, wrong: str) -> None:
    assert smoke.judge(check(**said), answer) == wrong


def test_a_wanted_release_must_answer_somewhere() -> None:
    answers = [Answer(200, HEALTH), Answer(200, '{"release": "v1"}'), Answer(200, "<html>")]
    assert smoke.missing_release("", answers) == ""
    assert smoke.missing_release("v2", answers) == ""
    assert smoke.missing_release("v3", answers) == "no answer is of release v3, but of v1, v2"
    assert smoke.missing_release("v3", []) == "no answer is of release v3, but of none"


def test_every_mistake_is_named_by_its_path() -> None:
    with pytest.raises(ConfigError) as error:
        smoke.validate("delight.example.com", {"health": {"pth": "/"}, "pages": {"status": "ok"}})
    assert error.value.mistakes == [
        "smoke_url: must be a base URL such as https://delight.example.com",
        "smoke_checks.health: unknown key 'pth'",
        "smoke_checks.pages.status: Input should be a valid integer, unable to parse string as an "
        "integer (found a text)",
    ]
    with pytest.raises(ConfigError, match="with one at least"):
        smoke.validate("https://a.example", {})
