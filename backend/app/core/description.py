"""The OpenAPI description: FastAPI's, with problems in place of its own errors."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app.core.errors import MEDIA_TYPE, AppError, Problem

Responses = dict[int | str, dict[str, Any]]

_REFERENCES = "#/components/schemas/{model}"
_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": _REFERENCES.format(model="Problem")}}}

# For the router of everything: whatever else may go wrong. With it FastAPI leaves out its own 422.
ANY_PROBLEM: Responses = {"default": {"description": "Any other problem", "content": _CONTENT}}


def problems(*errors: type[AppError]) -> Responses:
    """For a route's `responses`: the errors that its callers should know of."""
    return {int(e.status): {"description": e.sentence, "content": _CONTENT} for e in errors}


def name_of(route: APIRoute) -> str:
    """The operation's id: what generated clients call it."""
    return route.name


def install(app: FastAPI) -> None:
    """Describe the problems beside the routes that refer to them."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, routes=app.routes)
            problem = Problem.model_json_schema(ref_template=_REFERENCES, mode="serialization")
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas |= problem.pop("$defs") | {"Problem": problem}
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # the way that FastAPI documents
