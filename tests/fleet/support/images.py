"""The versions of the test application, built once by content and pushed to a lab's registry."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

APP = Path(__file__).resolve().parents[1] / "app"
BASE = "delight-lab/python:3.13"
REPOSITORY = "delight-test"
GOOD = ("v1", "v2", "v3")
FAULTY = (
    "never_healthy",
    "exits_at_once",
    "healthy_once_then_crashes",
    "wrong_version",
    "slow_start",
)


def recipe() -> str:
    """Changes with anything that goes into the images."""
    base = docker("image", "inspect", "--format", "{{.Id}}", BASE)
    texts = b"".join(path.read_bytes() for path in sorted(APP.iterdir()) if path.is_file())
    return hashlib.sha256(base.encode() + texts).hexdigest()[:16]


def push(registry: str, password: str, user: str = "delight") -> None:
    """Have every version in `registry` as delight-test:<version>; what is there stays."""
    made = recipe()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder)
        plugins = Path(os.environ["DOCKER_CONFIG"]) / "cli-plugins"
        (config / "cli-plugins").symlink_to(plugins)
        docker("login", registry, "-u", user, "--password-stdin", config=config, text=password)
        for version in (*GOOD, *FAULTY):
            image = f"{registry}/{REPOSITORY}:{version}"
            build(image, version, made)
            docker("push", "--quiet", image, config=config)


def build(image: str, version: str, made: str) -> None:
    """Build one version, unless the engine has it from the same recipe."""
    form = '{{index .Config.Labels "recipe"}}'
    have = docker("image", "inspect", "--format", form, image, check=False).strip()
    if have == made:
        return
    behaviour = version if version in FAULTY else "good"
    values = {"BASE": BASE, "VERSION": version, "BEHAVIOUR": behaviour}
    arguments = [f"--build-arg={key}={value}" for key, value in values.items()]
    docker("build", "--quiet", "--tag", image, f"--label=recipe={made}", *arguments, str(APP))


def docker(
    *words: str, config: Path | None = None, text: str | None = None, check: bool = True
) -> str:
    """Run a docker command and return what it printed."""
    environment = os.environ | ({"DOCKER_CONFIG": str(config)} if config else {})
    done = subprocess.run(
        ["docker", *words], env=environment, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or not check, f"docker {words[0]}: {done.stderr}"
    return done.stdout
