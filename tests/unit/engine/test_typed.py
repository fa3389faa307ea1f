"""A secret arrives as it was typed, or is refused: by the real YAML of Ansible and its real templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from delight import typed
from hypothesis import given
from hypothesis import strategies as st

PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{{-",
        " ",
        "if",
        "1",
        "'",
        '"',
        "|",
        "\\",
        "\n",
        "$",
        "#",
        "é",
        ": ",
    ]
)
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)
TEXTS = st.lists(PIECES | ANY_TEXT, max_size=8).map("".join)


def read(folder: Path, text: str) -> Any:
    """The one value in a file of variables, as Ansible reads it."""
    file = folder / "vault.yml"
    file.write_text(text)
    return DataLoader().load_from_file(str(file), trusted_as_template=True)["value"]


@pytest.mark.promise("S1")
@given(text=TEXTS)
def test_a_text_arrives_as_it_was_typed_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    value = read(folder, yaml.safe_dump({"value": text}, allow_unicode=True))
    if not typed.mistake(value, ()):
        assert Templar(DataLoader(), variables={}).template(value) == text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        *(
            (number, "a number")
            for number in ("123", "0123", "1.10", "0x1F", "1_000", "12:30:45", "1e5", ".inf")
        ),
        *((word, "true or false") for word in ("yes", "off", "True")),
        *((date, "a date") for date in ("2026-11-30", "2026-11-30 10:00:00")),
    ],
)
def test_what_is_no_text_to_yaml_is_refused(tmp_path: Path, written: str, said: str) -> None:
    value = read(tmp_path, f"value: {written}\n")
    if isinstance(value, str):  # this YAML is of another mind, and so it arrives
        assert value == written
    else:
        assert typed.mistake(value, ()) == f"is read as {said} by YAML: put it into quotes"
    assert typed.mistake(read(tmp_path, f"value: '{written}'\n"), ()) == ""


@pytest.mark.parametrize(
    "template",
    [
        "db://{{ password }}@{{ hostvars[groups.data[0]].address }}",
        "{{ lookup('ansible.builtin.env', 'TOKEN') }}",
        "{% if password %}{{ password | urlencode }}{% endif %}",
        "{% set word = password %}{{ word | b64encode }}",
        "{% raw %}pa{{ss{% endraw %}",
    ],
)
def test_a_template_that_somebody_meant_is_one(template: str) -> None:
    assert typed.mistake(trust_as_template(template), {"password"}) == ""


@pytest.mark.parametrize(
    "text",
    [
        "pa{{ss",
        "{{ other }}",
        "{{ 1 }}",
        "{{ password }}{# lost #}",
        "{% raw %}",
        "x{% set a = 1 %}y",
    ],
)
def test_any_other_is_refused_without_what_it_says(text: str) -> None:
    assert typed.mistake(trust_as_template(text), {"password"}) == typed.MARKS
    assert typed.mistake(text, {"password"}) == "", "one that is no template to Ansible arrives"
