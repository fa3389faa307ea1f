"""Another value for a secret, in the text of a vault."""

from __future__ import annotations

import pytest
import yaml
from delight import rotation, vault
from delight.errors import ConfigError

pytestmark = pytest.mark.promise("S6")
OLD = "old-old-old-old"
TEXT = f"""\
# Ours.
secrets:
  DATABASE_URL: postgresql://delight:{OLD}@db:5432/delight   # literal
  OTHER_URL: "postgresql://{{{{ postgres_user }}}}:{{{{ postgres_password }}}}@db/delight"
  TOKEN: token
  MARKS: !unsafe 'a{{{{b'
postgres_password: {OLD}
redis_password: word
"""


def rotate(key: str, new: str, text: str = TEXT, user: str = "delight") -> rotation.Rotated:
    path = rotation.find(vault.parse(text), key)
    return rotation.rotate(text, path, {path[-1]: new}, user)


def test_a_value_is_replaced_and_all_else_stays_as_it_was_written() -> None:
    rotated = rotate("TOKEN", "new")
    assert rotated.text == TEXT.replace("TOKEN: token", "TOKEN: new")
    assert rotated.keys == ["secrets.TOKEN"]
    marks = rotate("TOKEN", "{{ o'f mine").text
    assert "TOKEN: !unsafe '{{ o''f mine'" in marks, "it is no template"
    assert rotate("secrets.MARKS", "x").keys == ["secrets.MARKS"]


def test_two_logins_of_the_database_take_turns() -> None:
    first = rotate("postgres_password", "new-new-new-new")
    held = yaml.safe_load(first.text.replace("!unsafe", ""))
    assert (held["postgres_user"], held["postgres_password"]) == (
        "delight_2",
        "new-new-new-new",
    )
    assert held["postgres_before"] == {"user": "delight", "password": OLD}
    assert (
        held["secrets"]["DATABASE_URL"] == "postgresql://delight_2:new-new-new-new@db:5432/delight"
    )
    assert "{{ postgres_user }}:{{ postgres_password }}@" in held["secrets"]["OTHER_URL"]
    assert first.keys == ["postgres_password", "postgres_user", "secrets.DATABASE_URL"]

    with pytest.raises(ConfigError, match="before this one is valid still; once no slot has it"):
        rotate("postgres_password", "third", first.text, "delight_2")
    ended = rotation.end(first.text, ("postgres_password",))
    third = rotate("postgres_password", "third", ended.text, "delight_2")
    again = yaml.safe_load(third.text.replace("!unsafe", ""))
    assert (again["postgres_user"], again["postgres_before"]["user"]) == ("delight", "delight_2")
    assert again["secrets"]["DATABASE_URL"] == "postgresql://delight:third@db:5432/delight"


def test_a_value_stands_in_a_url_as_urls_write_it() -> None:
    text = "secrets: {URL: 'redis://:p%3Fss%2Fp%3Fss%2Fp%3Fss@h'}\nredis_password: p?ss/p?ss/p?ss\n"
    held = yaml.safe_load(rotate("redis_password", "n/w", text).text)
    assert held["secrets"]["URL"] == "redis://:n%2Fw@h"
    assert held["redis_before"] == "p?ss/p?ss/p?ss"


def test_a_short_value_is_not_looked_for_elsewhere() -> None:
    text = "secrets: {A: 'x-abc-x', B: abc}\n"
    assert yaml.safe_load(rotate("B", "new", text).text)["secrets"] == {"A": "x-abc-x", "B": "new"}


def test_what_was_before_is_ended() -> None:
    path = ("postgres_password",)
    rotated = rotate("postgres_password", "new-new-new-new")
    ended = rotation.end(rotated.text, path)
    assert "postgres_before" not in ended.text and ended.keys == ["postgres_before"]
    with pytest.raises(ConfigError, match="no value before that is valid still"):
        rotation.end(ended.text, path)


def test_what_is_given_up_stands_as_digests() -> None:
    text = rotation.give_up(rotation.give_up(TEXT, {"TOKEN": "1"}), {"TOKEN": "2", "OTHER": "3"})
    text = rotation.give_up(text, {"TOKEN": "2"})
    held = yaml.safe_load(text.replace("!unsafe", ""))
    assert held["compromised_secrets"] == {"TOKEN": ["1", "2"], "OTHER": ["3"]}


@pytest.mark.promise("S3")
@pytest.mark.parametrize(
    ("key", "new", "said"),
    [
        ("NOWHERE", "new", "secret: the vault has no NOWHERE; it has secrets.DATABASE_URL, "),
        ("", "new", "secret: the vault has no name here; it has secrets.DATABASE_URL, "),
        ("secrets", "new", "secret: the vault has no secrets; it has"),
        ("OTHER_URL", "new", "secrets.OTHER_URL is a template: give another value to what"),
        ("postgres_password", OLD, "postgres_password: the value is the one that is there"),
    ],
)
def test_a_mistake_is_told_without_a_value(key: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        rotate(key, new)
    assert OLD not in str(caught.value)
