#!/bin/sh
# The backend's checks, against real PostgreSQL and Redis. Further words go to pytest.
#
#   ./check.sh          everything: style, types, security, advisories, the lock, all tests
#   ./check.sh --gate   what needs neither a network nor poetry, hence no pip-audit and no
#                       `poetry check` (tests/test_packaging.py compares the locked files);
#                       schemathesis makes up fewer requests
#   ./check.sh --lock   after a change of dependencies, settings or API: make their files again
set -eu
cd "$(dirname "$0")"
bin=.venv/bin
poetry=${POETRY:-../.cache/poetry/bin/poetry}
export PYTHONPATH=.

case ${1:-} in
    --lock)
        "$poetry" lock --no-interaction
        "$poetry" export --quiet --format requirements.txt --output requirements.txt
        "$poetry" export --quiet --format requirements.txt --with dev --output requirements-dev.txt
        "$bin/python" -m app.core.env_example >.env.example
        "$bin/python" -m app.core.settings_schema >settings.schema.json
        "$bin/python" -m app.openapi >openapi.json
        exit
        ;;
    --gate)
        shift
        export SCHEMATHESIS_EXAMPLES=5
        ;;
    --help)
        sed -n 's/^# \{0,1\}//; 2,8p' check.sh
        exit
        ;;
    *)
        "$poetry" check --lock --quiet
        "$bin/python" audit.py requirements-dev.txt
        ;;
esac

"$bin/ruff" check --quiet .
"$bin/black" --check --quiet .
"$bin/mypy"
"$bin/bandit" --quiet --recursive app migrations
"$bin/pytest" --quiet "$@"
