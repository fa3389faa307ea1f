"""The description of the API: fresh, complete, and true of a running service."""

import json
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.backing import Postgres, Redis
from tests.conftest import BACKEND
from tests.process import service, unmeasured
from tests.svix import SECRET
from tests.tokens import public_pem, token

FILE = BACKEND / "openapi.json"
CONFIG = BACKEND / "schemathesis.toml"
METHODS = {"get", "patch", "post", "put", "delete"}


def test_the_file_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("app.openapi", run_name="__main__")
    assert capsys.readouterr().out == FILE.read_text(), "make it again: ./check.sh --lock"


def test_every_operation_tells_of_problems() -> None:
    description = json.loads(FILE.read_text())
    for path in description["paths"].values():
        for operation in (path[method] for method in METHODS & path.keys()):
            for status, answer in operation["responses"].items():
                if status == "default" or (status >= "400" and status != "503"):
                    assert list(answer["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in description["components"]["schemas"]


def test_the_service_does_what_is_described(
    postgres: Postgres, redis: Redis, tables: str, tmp_path: Path
) -> None:
    """Requests made up from the description, right ones and wrong ones, of a signed-in user."""
    values = {
        "DATABASE_URL": postgres.url(tables),
        "REDIS_URL": redis.url(),
        "CLERK_SECRET_KEY": "sk_test_planted",
        "CLERK_JWT_KEY": public_pem(),
        "CLERK_WEBHOOK_SECRET": SECRET,
        "SIGN_IN_FAILURES": "1000000",
        "WEBHOOK_RATE": "1000000",
        "EVENTS_MAX_AGE": "0.05",  # so that streams end
    }
    signed_in = token(exp=int(time.time()) + 3600)
    examples = os.environ.get("SCHEMATHESIS_EXAMPLES")
    with service(values) as running:
        argv = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
            *("run", str(FILE), "--url", running.url),
            *("--header", f"Authorization: Bearer {signed_in}"),
            *(("--max-examples", examples) if examples else ()),
        ]
        done = subprocess.run(
            argv, cwd=tmp_path, env=unmeasured({}), text=True, capture_output=True, timeout=100,
            check=False,
        )  # fmt: skip
        running.process.terminate()
        _, lines = running.end()
    assert done.returncode == 0, done.stdout + done.stderr
    served = [line for line in lines if line["message"] == "request"]
    assert len(served) > 100
    assert not [line for line in served if line["status"] >= 500]
    assert signed_in not in str(lines)
