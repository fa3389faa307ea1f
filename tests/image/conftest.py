"""A Docker engine, a registry with TLS and a login, and the role `build` run against it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from delight.registry import Login

from lab import engine, images, paths
from plugins.filter.digests import htpasswd

ROOT = Path(__file__).resolve().parents[2]
BASE = "delight-lab/python:3.13"
USERNAME = "builder"
PASSWORD = "planted-registry-word"
RUN = f"image-test-{uuid.uuid4().hex[:8]}"

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  roles: [build]
"""


def docker(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a docker command with the lab's plugins."""
    environment = os.environ | {"DOCKER_CONFIG": str(paths.DOCKER_CONFIG)}
    done = subprocess.run(
        ["docker", *words], check=False, text=True, capture_output=True, env=environment
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def remove_images(reference: str) -> None:
    """Remove the images whose names match, with every tag."""
    found = docker("images", "--quiet", "--all", "--filter", f"reference={reference}").stdout
    if found:
        docker("rmi", "--force", *set(found.split()), check=False)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Ask until it is so; fail with `what` when it never gets so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session", autouse=True)
def lab_images() -> None:
    """An engine, and the images that the tests start from."""
    engine.ensure()
    images.ensure()


def git(folder: Path, *words: str) -> str:
    """Run git as somebody."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, text=True, capture_output=True
    ).stdout


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean checkout that holds the working copy as it is: here the tests may make a mess."""
    folder = tmp_path_factory.mktemp("project")
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "All")
    return folder


@dataclass(frozen=True)
class Registry:
    """A registry on loopback: the engine accepts any certificate there, the role only its own."""

    address: str
    ca: str
    container: str

    def login(self) -> Login:
        """The login that is accepted."""
        return Login(USERNAME, PASSWORD, self.ca)


@pytest.fixture(scope="session")
def registry(lab_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with TLS and a login, for the whole run."""
    folder = tmp_path_factory.mktemp("registry")
    certificate, key, logins = folder / "ca.crt", folder / "key.pem", folder / "htpasswd"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=registry", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    logins.write_text(htpasswd(PASSWORD, USERNAME, "any key"))
    for file in (certificate, key, logins):
        file.chmod(0o644)
    folder.chmod(0o755)
    container = f"{RUN}-registry"
    port = free_port()
    settings = {
        "HTTP_TLS_CERTIFICATE": "/tls/ca.crt",
        "HTTP_TLS_KEY": "/tls/key.pem",
        "AUTH": "htpasswd",
        "AUTH_HTPASSWD_REALM": "test",
        "AUTH_HTPASSWD_PATH": "/tls/htpasswd",
    }
    flags = [f"--env=REGISTRY_{name}={value}" for name, value in settings.items()]
    docker("run", "-d", f"--name={container}", f"-p127.0.0.1:{port}:5000", *flags,
           f"-v{folder}:/tls:ro", "delight-lab/registry:2")  # fmt: skip
    try:
        yield Registry(f"127.0.0.1:{port}", certificate.read_text(), container)
    finally:
        docker("rm", "-fv", container, check=False)
        remove_images(f"127.0.0.1:{port}/*")


@dataclass
class Run:
    """What a run of the role said and did."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        """Tasks that changed something, by the recap."""
        [line] = [line for line in self.output.splitlines() if line.startswith("localhost ")]
        return int(line.split("changed=")[1].split()[0])


Build = Callable[..., Run]


@pytest.fixture
def build(registry: Registry, project: Path, tmp_path: Path) -> Build:
    """Run the role: `build("-vvv", build_force=True, …)`."""
    folder = tmp_path / "temporary"
    folder.mkdir()

    def run(*flags: str, environment: dict[str, str] | None = None, **variables: Any) -> Run:
        play = project / ".ansible" / "play.yml"  # ignored by git
        play.parent.mkdir(exist_ok=True)
        play.write_text(PLAY)
        given = {
            "build_images": {
                "hello": {
                    "context": "tests/image/hello",
                    "image": f"{registry.address}/hello",
                    "args": {"BASE": BASE},
                }
            },
            "build_registry": registry.address,
            "build_registry_ca": registry.ca,
            "build_registry_username": USERNAME,
            "build_registry_password": PASSWORD,
            "build_docker_config": str(paths.DOCKER_CONFIG),
        } | variables
        (tmp_path / "vars.json").write_text(json.dumps(given))
        argv = [Path(sys.executable).with_name("ansible-playbook"), play]
        done = subprocess.run(
            [*argv, "-i", "localhost,", "-e", f"@{tmp_path}/vars.json", *flags],
            cwd=project, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env=os.environ | {"ANSIBLE_CONFIG": str(project / "ansible.cfg"), "TMPDIR": str(folder),
                              "ANSIBLE_VAULT_IDENTITY_LIST": f"none@{play}"} | (environment or {}),
        )  # fmt: skip
        assert not list(folder.glob("delight-docker-*")), "a login was left behind"
        assert PASSWORD not in done.stdout
        return Run(done.returncode, done.stdout)

    return run
