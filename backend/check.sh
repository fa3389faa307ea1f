#!/bin/sh
# Everything that is checked about the backend; `./check.sh --lock` makes the locked files again.
set -eu
cd "$(dirname "$0")"
bin=.venv/bin
poetry=${POETRY:-../.cache/poetry/bin/poetry}
export PYTHONPATH=.

if [ "${1:-}" = --lock ]; then
    "$poetry" lock --no-interaction
    "$poetry" export --quiet --format requirements.txt --output requirements.txt
    "$poetry" export --quiet --format requirements.txt --with dev --output requirements-dev.txt
    "$bin/python" -m app.core.env_example >.env.example
    "$bin/python" -m app.openapi >openapi.json
    exit
fi

"$poetry" check --lock --quiet
"$bin/ruff" check --quiet .
"$bin/black" --check --quiet .
"$bin/mypy"
"$bin/bandit" --quiet --recursive app migrations
"$bin/python" audit.py requirements-dev.txt
"$bin/python" -m app.openapi | cmp --silent - openapi.json || {
    echo "openapi.json is stale: the API has changed; ./check.sh --lock describes it again" >&2
    exit 1
}
"$bin/pytest" --quiet "$@"
