"""`make services` and the servers of `make dev`: they start, answer, and reload what is changed."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.checkout import copy_sources, link
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SERVICES_S = 600
STOP_S = 30
COPY_S = 60
# What `make install` makes beside the packages; a copy of the sources uses that of the checkout.
LINKED = (".venv", ".cache", "backend/.venv")


@pytest.fixture(scope="module")
def addresses() -> Path:
    """The file with the addresses of PostgreSQL and Redis of `local`."""
    for goals in (["install"], ["services"]):
        subprocess.run(["make", *goals], cwd=ROOT, check=True, timeout=SERVICES_S)
    file = ROOT / ".lab/local/services.env"
    assert file.stat().st_mode & 0o777 == 0o600
    return file


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of the sources, to be changed."""
    with tempfile.TemporaryDirectory(dir=ROOT / ".cache", prefix="dev-") as name:
        folder = Path(name)
        link(copy_sources(folder), *LINKED)
        # Next.js takes no package from outside of its folder: these are the same files.
        packages = ["cp", "-al", f"{ROOT}/frontend/node_modules", f"{folder}/frontend"]
        subprocess.run(packages, check=True, timeout=COPY_S)
        yield folder


@pytest.fixture
def servers(copy: Path, addresses: Path) -> Iterator[tuple[str, str]]:
    """Base URLs of a running API and its pages."""
    api, pages = free_ports(2)
    environment = os.environ | {"API_PORT": str(api), "PAGES_PORT": str(pages)}
    log = (copy / "log").open("w")
    process = subprocess.Popen(
        [copy / "bin/dev", addresses], env=environment, stdout=log, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield f"http://localhost:{api}", f"http://localhost:{pages}"
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        process.wait(STOP_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        print((copy / "log").read_text())


def text(url: str) -> str:
    """The body of a good answer, empty where there is none."""
    try:
        answer = requests.get(url, timeout=20)
    except requests.RequestException:
        return ""
    return answer.text if answer.ok else ""


def test_both_servers_answer_and_reload_what_is_changed(
    servers: tuple[str, str], copy: Path
) -> None:
    api, pages = servers
    wait_until(lambda: '"connected"' in text(f"{api}/api/v1/health/detailed"), "the API answers")
    wait_until(lambda: "Good company" in text(pages), "the pages answer")
    allowed = requests.get(f"{api}/api/v1/health", headers={"Origin": pages}, timeout=20).headers
    assert allowed["Access-Control-Allow-Origin"] == pages

    page = copy / "frontend/src/app/page.tsx"
    page.write_text(page.read_text().replace("Good company", "Better company"))
    wait_until(lambda: "Better company" in text(pages), "the page is the changed one")
    version = copy / "backend/app/__init__.py"
    version.write_text(version.read_text().replace('"0.1.0"', '"0.1.1"'))
    wait_until(lambda: '"0.1.1"' in text(f"{api}/api/v1/health"), "the API is the changed one")


def complaint(file: Path) -> str:
    """What `bin/dev` says of a file that it refuses."""
    done = subprocess.run(
        [ROOT / "bin/dev", file], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False, timeout=STOP_S,
    )  # fmt: skip
    assert done.returncode != 0
    return done.stdout


def test_servers_that_cannot_be_reached_are_named_and_nothing_starts(
    tmp_path: Path, addresses: Path
) -> None:
    assert "cp backend/.env.example" in complaint(tmp_path / "missing")
    file = tmp_path / "cloud.env"
    secret = "planted-word"
    file.write_text("REDIS_URL=redis://127.0.0.1:1\n")
    assert "DATABASE_URL is not set" in complaint(file)
    file.write_text(
        f"DATABASE_URL=postgresql://me:{secret}@127.0.0.1:1/x\nREDIS_URL=redis://127.0.0.1:1\n"
    )
    said = complaint(file)
    assert "DATABASE_URL" in said and "REDIS_URL" in said
    assert secret not in said and "api.1" not in said
