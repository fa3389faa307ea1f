"""Whether a secret arrives as it was typed, or YAML and templates make something else of it. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Container
from typing import Any

from ansible.template import is_trusted_as_template
from jinja2 import Environment, TemplateSyntaxError, nodes

OTHERWISE = "is read as {} by YAML: put it into quotes"
MARKS = (
    "holds marks of a template ({{, {% or {#) and is none that can be filled in: where they belong to the value, "
    "write `!unsafe` before it"
)
TEMPLATE_MARKS = ("{{", "{%", "{#")
# What templates have without a variable of that name.
OF_TEMPLATES = {
    *("hostvars", "groups", "lookup", "query", "q", "now", "undef", "omit"),
    *("range", "dict", "namespace"),
}
KINDS = (
    (bool, "true or false"),
    ((int, float), "a number"),
    ((datetime.date, datetime.datetime), "a date"),
)
_jinja = Environment(  # noqa: S701 it parses, and renders nothing
    extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]
)


def mistake(value: Any, variables: Container[str]) -> str:
    """What would arrive otherwise than it was typed, in words without it; empty where nothing would.

    `variables` are the names that a template may use.
    """
    for kinds, words in KINDS:
        if isinstance(value, kinds):
            return OTHERWISE.format(words)
    if not isinstance(value, str) or not is_trusted_as_template(value):
        return ""
    if not any(mark in value for mark in TEMPLATE_MARKS):
        return ""
    return "" if fills_in(value, variables) else MARKS


def fills_in(text: str, variables: Container[str]) -> bool:
    """Whether a text is a template that somebody meant: all it names is there, and nothing of it gets lost."""
    if "{#" in text:
        return False  # what stands in a comment would be gone
    try:
        parsed = _jinja.parse(text)
    except TemplateSyntaxError:
        return False
    names = list(parsed.find_all(nodes.Name))
    if not names:
        return is_raw(parsed)
    made = {name.name for name in names if name.ctx != "load"}
    read = {name.name for name in names} - made
    return bool(read) and all(name in OF_TEMPLATES or name in variables for name in read)


def is_raw(template: nodes.Template) -> bool:
    """Whether a template has nothing to fill in, as with `{% raw %}`."""
    parts = [part for output in template.body for part in getattr(output, "nodes", [None])]
    return bool(parts) and all(isinstance(part, nodes.TemplateData) for part in parts)
