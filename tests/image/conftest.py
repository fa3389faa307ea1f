"""A Docker engine, a registry with TLS and a login, and the role `build` run against it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
from delight import release
from delight.host import prepare, store
from delight.registry import Login, MissingImage, Unreachable, digest_of

from lab import engine, images, paths
from plugins.filter import digests
from tests.support.certificates import self_signed
from tests.support.checkout import copy_sources
from tests.support.git import commit_all
from tests.support.ports import PortTaken, on_free_ports
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
# Bound of one command, in seconds; an image that is not cached takes half a minute.
BOUND_S = 300
USERNAME = "builder"
PASSWORD = "planted-registry-word"
# Stands in the certificate authorities that a build is given; no image may hold it.
AUTHORITY = "planted-authority-word"
LOCKED_DOWN = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
# Reserved for measurements between networks (RFC 2544): no machine is reached by them.
SUBNETS = ("198.18.0.0/16", "198.19.0.0/16")
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
        ["docker", *words],
        check=False, text=True, capture_output=True, env=environment, timeout=BOUND_S,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    return done


def remove_images(reference: str) -> None:
    """Remove the images whose names match, with every tag."""
    found = docker("images", "--quiet", "--all", "--filter", f"reference={reference}").stdout
    if found:
        docker("rmi", "--force", *set(found.split()), check=False)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate authorities of this machine, and a mark."""
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    machine = Path("/etc/ssl/certs/ca-certificates.crt")
    file.write_text(f"{machine.read_text()}\n# {AUTHORITY}\n")
    return file


def build_image(context: Path, tag: str, base: str, bundle: Path, *flags: str) -> None:
    """Build an image of ours as a build on a network that looks into TLS does."""
    docker("buildx", "build", "--load", f"--build-arg=BASE={base}", f"--tag={tag}",
           f"--secret=id=ca,src={bundle}", *flags, str(context))  # fmt: skip


def remember_size(name: str, tag: str) -> None:
    """Note how large an image is (bytes), for the report of the checks."""
    file = ROOT / ".cache/checks/sizes.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(file.read_text()) if file.exists() else {}
    size = int(docker("image", "inspect", "--format={{.Size}}", tag).stdout)
    file.write_text(json.dumps(known | {name: size}))


def inspect(container: str) -> dict[str, Any]:
    """What Docker knows of it."""
    found: dict[str, Any] = json.loads(docker("inspect", container).stdout)[0]
    return found


def found_in_archive(image: str, words: set[bytes]) -> set[bytes]:
    """Which of the words stand anywhere in the image: in a layer, even if a later one hides it."""
    found: set[bytes] = set()
    tail = b""
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        assert saving.stdout
        while part := saving.stdout.read(1 << 20):
            found |= {word for word in words if word in tail + part}
            tail = part[-max(map(len, words)) :]
    assert saving.returncode == 0
    return found


def assert_plain_user(container: str) -> None:
    """Its process is no root and has no capability."""
    identity = docker("exec", container, "cat", "/proc/1/status").stdout
    assert "Uid:\t10001\t10001\t10001\t10001" in identity
    assert "CapEff:\t0000000000000000" in identity


def assert_clean(image: str) -> None:
    """It runs as a user, is stopped by SIGTERM, and no layer holds what a build was given."""
    settings = json.loads(docker("image", "inspect", image).stdout)[0]["Config"]
    assert settings["User"] == "10001:10001"
    assert settings["StopSignal"] == "SIGTERM"
    kept = settings["User"].encode()  # stands in the configuration, so the search sees it
    assert found_in_archive(image, {kept, AUTHORITY.encode()}) == {kept}


@pytest.fixture(scope="session", autouse=True)
def lab_images() -> None:
    """An engine, and the images that the tests start from."""
    engine.ensure()
    images.ensure()


class Network(NamedTuple):
    """What is called `delight` on a host."""

    name: str
    subnet: str


@pytest.fixture(scope="session")
def network(lab_images: None) -> Iterator[Network]:
    """A network for the whole run."""
    for subnet in SUBNETS:
        made = docker("network", "create", f"--subnet={subnet}", RUN, check=False)
        if made.returncode == 0:
            break
    else:
        raise AssertionError(made.stderr)
    yield Network(RUN, subnet)
    docker("network", "rm", RUN)


def write_release(
    at: store.Store, made: release.Release, secrets: dict[str, str], network: Network
) -> Path:
    """Write a release as the act does, but for the name of its network; its folder."""
    contents = release.contents(made, secrets)
    text = str(contents["compose.yml"]["text"])
    named = text.replace('    name: "delight"', f"    name: {network.name}")
    contents["compose.yml"]["text"] = named
    written = {**made.files, "compose.yml": named}
    for name, one in written.items():
        made.manifest["files"][name] = hashlib.sha256(one.encode()).hexdigest()
    prepare.write_release(at, made.manifest, contents)
    return at.releases / made.id


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean checkout that holds the working copy as it is: here the tests may make a mess."""
    folder = copy_sources(tmp_path_factory.mktemp("project"))
    commit_all(folder)
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

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            digest_of(f"{self.address}/nothing", "never", self.login())
        except MissingImage:
            return True
        except Unreachable:
            return False
        raise AssertionError("a registry that was never used has an image")


@pytest.fixture(scope="session")
def registry(lab_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with TLS and a login, for the whole run."""
    folder = tmp_path_factory.mktemp("registry")
    pair = self_signed(folder)
    logins = folder / "htpasswd"
    # A push checks the login with every request; a hash of the hosts' own cost is the role's matter.
    with mock.patch.object(digests, "ROUNDS", 4):
        logins.write_text(digests.htpasswd(PASSWORD, USERNAME, "any key"))
    logins.chmod(0o644)
    folder.chmod(0o755)
    container = f"{RUN}-registry"
    settings = {
        "HTTP_TLS_CERTIFICATE": f"/tls/{pair.certificate.name}",
        "HTTP_TLS_KEY": f"/tls/{pair.key.name}",
        "AUTH": "htpasswd",
        "AUTH_HTPASSWD_REALM": "test",
        "AUTH_HTPASSWD_PATH": "/tls/htpasswd",
    }
    flags = [f"--env=REGISTRY_{name}={value}" for name, value in settings.items()]

    def start(port: int) -> str:
        publish = f"-p127.0.0.1:{port}:5000"
        done = docker("run", "-d", f"--name={container}", publish, *flags,
                      f"-v{folder}:/tls:ro", "delight-lab/registry:2", check=False)  # fmt: skip
        if done.returncode:
            docker("rm", "-fv", container, check=False)
            taken = re.search("port is already allocated|address already in use", done.stderr)
            raise PortTaken(done.stderr) if taken else AssertionError(done.stderr)
        return f"127.0.0.1:{port}"

    try:
        address = on_free_ports(1, start)
        found = Registry(address, pair.certificate.read_text(), container)
        wait_until(found.answers, f"{container} answers")
        yield found
        remove_images(f"{address}/*")
    finally:
        docker("rm", "-fv", container, check=False)


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
                    "args": {"BASE": "scratch"},
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
            timeout=BOUND_S,
            env=os.environ | {"ANSIBLE_CONFIG": str(project / "ansible.cfg"), "TMPDIR": str(folder),
                              "ANSIBLE_VAULT_IDENTITY_LIST": f"none@{play}"} | (environment or {}),
        )  # fmt: skip
        assert not list(folder.glob("delight-docker-*")), "a login was left behind"
        assert given["build_registry_password"] not in done.stdout
        return Run(done.returncode, done.stdout)

    return run
