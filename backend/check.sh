#!/bin/sh
# Everything that is checked about the backend; `./check.sh --lock` makes the locked files again.
set -eu
cd "$(dirname "$0")"
bin=.venv/bin
poetry=${POETRY:-../.cache/poetry/bin/poetry}

if [ "${1:-}" = --lock ]; then
    "$poetry" lock --no-interaction
    "$poetry" export --quiet --format requirements.txt --output requirements.txt
    "$poetry" export --quiet --format requirements.txt --with dev --output requirements-dev.txt
    PYTHONPATH=. "$bin/python" -m app.core.env_example >.env.example
    exit
fi

"$poetry" check --lock --quiet
"$bin/ruff" check --quiet .
"$bin/black" --check --quiet .
"$bin/mypy"
"$bin/pytest" --quiet "$@"
