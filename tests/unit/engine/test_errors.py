"""An error says what went wrong and where, and never quotes a value."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.template import Templar, trust_as_template
from delight import errors
from delight.host import main

VARIABLES = {"secrets": {"A": "hunter22"}}


def error_of(template: str) -> Exception:
    with pytest.raises(AnsibleError) as caught:
        Templar(variables=VARIABLES).template(trust_as_template(template))
    found: Exception = caught.value
    return found


@pytest.mark.promise("S3")
@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ nowhere }}", "'nowhere' is undefined"),
        ("{{ secrets.A ~ secrets.B }}", "object of type 'dict' has no attribute 'B'"),
        ("{{ 1 | hash(secrets.A) }}", "The filter plugin 'ansible.builtin.hash' failed"),
        ("{{ x | mandatory('no ' ~ secrets.A) }}", "The filter plugin 'ansible.builtin.mandatory'"),
        ("{{ lookup('file', '/no/' ~ secrets.A) }}", "The lookup plugin 'file' failed"),
        ("{{ 'a {{ hunter22", "Syntax error in template"),
    ],
)
def test_a_template_that_fails_names_its_part_and_no_value(template: str, said: str) -> None:
    found = errors.cause(error_of(template))
    assert found.startswith(said)
    assert "hunter22" not in found


def test_an_error_of_python_is_told_by_its_type_and_place() -> None:
    empty: dict[str, str] = {}
    try:
        empty["hunter22"]
    except KeyError as error:
        assert errors.cause(error).startswith("KeyError in test_errors.py:")


def test_on_a_host_nothing_raises_and_nothing_is_quoted() -> None:
    def act(at: Any, params: Any) -> Any:
        raise KeyError("hunter22")

    found = main.guarded(act, None, {})  # type: ignore[arg-type]
    assert found["outcome"] == "failed"
    assert found["reason"].startswith("KeyError in test_errors.py:")
