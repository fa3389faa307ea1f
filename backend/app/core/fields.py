"""Kinds of settings that several domains have."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_settings import NoDecode


def split(value: object) -> object:
    """A text is the list of its parts between commas; a file may have each on a line."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def in_production(**rule: Any) -> dict[str, Any]:
    """What a setting must be in production on top of all else, as JSON Schema has it.

    It is tried by whoever deploys; the service itself starts with whatever works.
    """
    return {"x-production": rule}


CommaSeparated = Annotated[
    list[str],
    NoDecode,
    BeforeValidator(split),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "x-separator": ","}),
]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
