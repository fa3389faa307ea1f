"""What a service is given, held against the schema that its application declares; no value is ever told.

The schema is JSON Schema of the service's environment, each value a text (`x-separator` makes a list of it,
numbers are read from it), with `x-expected` as the words for a form and `x-secret` for what belongs into the vault.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Every container has these from the engine.
OF_THE_ENGINE = {"RELEASE", "SLOT", "PORT"}


def mistakes(
    service: str, file: Path, env: Mapping[str, str], secrets: Mapping[str, str]
) -> list[str]:
    """One line a mistake of a service: the path of what is wrong, and what it should be."""
    try:
        validator = schema_in(file)
    except ValueError as error:
        return [f"services.{service}.settings: {error}"]
    known = described(validator.schema)
    secret = {name for name, one in known.items() if one.get("x-secret")}

    def path(name: str) -> str:
        if name in secrets:
            return f"secrets.{name}"
        place = "env" if name in env or name not in secret else "secrets"
        return f"services.{service}.{place}.{name}"

    found = {path(name): IN_THE_OPEN for name in sorted(secret & env.keys())}
    given = {**env, **secrets}
    by_file = {n.removesuffix("_FILE") for n in given if n not in known} & known.keys()
    values = {
        name: read(text, known.get(name, {}))
        for name, text in given.items()
        if text and name.removesuffix("_FILE") not in by_file  # what is empty is not set
    }
    for name, said in complaints(validator, values, by_file):
        found.setdefault(path(name), said)
    return [f"{where}: {said}" for where, said in found.items()]


def schema_in(file: Path) -> Any:
    """A validator for the schema in a file; ValueError says what is wrong with that."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        schema = json.loads(file.read_text())
        Draft202012Validator.check_schema(schema)
    except OSError as error:
        raise ValueError(f"{file} can't be read: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{file} is no JSON") from None
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path)) or "its top"
        raise ValueError(f"{file} is no JSON Schema: see {where}") from None
    if not isinstance(schema, dict):
        raise ValueError(f"{file} describes no object: `properties` are the variables")
    return Draft202012Validator(schema)


def described(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """{name: its schema} of the variables that a schema names."""
    found = schema.get("properties", {})
    return {name: one if isinstance(one, Mapping) else {} for name, one in found.items()}


def complaints(
    validator: Any, values: Mapping[str, Any], by_file: set[str]
) -> Iterator[tuple[str, str]]:
    """(name, what is wrong with it) of everything that does not fit; what is `by_file` is there, unseen."""
    known = described(validator.schema)
    there = values.keys() | by_file | OF_THE_ENGINE
    for error in sorted(validator.iter_errors(values), key=lambda one: list(map(str, one.path))):
        if error.absolute_path:
            yield str(error.absolute_path[0]), expected(error)
        elif error.validator == "required":
            for name in error.validator_value:
                if name not in there:
                    secret = known.get(name, {}).get("x-secret")
                    yield name, f"is missing{': ' + TO_THE_VAULT if secret else ''}"
        elif error.validator == "additionalProperties":
            for name in unknown(error, set(values) - OF_THE_ENGINE):
                near = difflib.get_close_matches(name, known, 1)
                yield name, f"is unknown to it{f'; did you mean {near[0]}?' if near else ''}"


def unknown(error: Any, names: set[str]) -> list[str]:
    """Those of `names` that a schema, which allows no others, neither names nor has a pattern for."""
    patterns = error.schema.get("patternProperties", {})
    return sorted(
        name
        for name in names - described(error.schema).keys()
        if not any(re.search(pattern, name) for pattern in patterns)
    )


def expected(error: Any) -> str:
    """What a value should be, in words of the schema alone."""
    if isinstance(error.schema, Mapping) and "x-expected" in error.schema:
        return str(error.schema["x-expected"])
    allowed = error.validator_value
    if error.validator == "enum":
        return f"must be one of {', '.join(map(str, allowed))}"
    if error.validator == "type":
        words = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
        return f"must be {words.get(allowed, allowed)}"
    if error.validator in BOUNDS:
        return f"must be {BOUNDS[error.validator]} {allowed}"
    return f"does not fit its schema ({error.validator})"


TO_THE_VAULT = "add it to the vault's secrets, and its name to those of the service"
IN_THE_OPEN = f"stands in the open and is a secret: take it from env, {TO_THE_VAULT}"
BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "minLength": "of a length of at least",
    "maxLength": "of a length of at most",
}


def read(text: str, schema: Mapping[str, Any]) -> Any:
    """The value that a text stands for; one that is none stays a text, which its type then refuses."""
    if separator := schema.get("x-separator"):
        return [part for part in text.replace(separator, " ").split() if part]
    try:
        if schema.get("type") in ("integer", "number"):
            return json.loads(text)
    except ValueError:
        return text
    return (
        {"true": True, "false": False}.get(text, text) if schema.get("type") == "boolean" else text
    )


def trailing_newlines(secrets: Mapping[str, str]) -> list[str]:
    """Secrets of one line with an end of a line, which a block of YAML adds and nobody wants."""
    return [
        f"secrets.{name}: ends with a newline: write it on one line, or in a block with `|-`"
        for name, value in secrets.items()
        if value.endswith("\n") and "\n" not in value.strip()
    ]
