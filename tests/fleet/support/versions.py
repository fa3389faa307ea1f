"""The versions of the test application: built once for what they are made of, then pushed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import paths

APP = Path(__file__).resolve().parents[1] / "app"
BASE = "delight-lab/python:3.13"
LOCAL = "delight-lab/test-app"
REPOSITORY = "delight-test"

# Tag → (VERSION, BEHAVIOUR), see app.py. A sick image has a version of its own: the next one.
VARIANTS = {
    **{f"v{number}": (f"v{number}", "good") for number in range(1, 6)},
    **{
        behaviour: (behaviour, behaviour)
        for behaviour in (
            "never_healthy",
            "exits_at_once",
            "healthy_once_then_crashes",
            "wrong_version",
            "slow_start",
            "broken_migration",
        )
    },
}


def docker(*words: str, text: str | None = None, config: str = "") -> str:
    """Run a docker command with the lab's plugins; the error is what it said."""
    environment = os.environ | {
        "DOCKER_BUILDKIT": "1",
        "DOCKER_CONFIG": config or str(paths.DOCKER_CONFIG),
    }
    done = subprocess.run(
        ["docker", *words], env=environment, input=text, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"docker {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def content_hash(base_id: str) -> str:
    """A name for what every variant is made of: the files of the application and the base."""
    digest = hashlib.sha256(base_id.encode())
    for file in sorted(APP.iterdir()):
        if file.is_file():
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def build_argv(tag: str, reference: str) -> list[str]:
    """The docker arguments that build one variant."""
    version, behaviour = VARIANTS[tag]
    arguments = {"BASE": BASE, "VERSION": version, "BEHAVIOUR": behaviour}
    flags = [f"--build-arg={key}={value}" for key, value in arguments.items()]
    return ["build", "--quiet", f"--tag={reference}", *flags, str(APP)]


def build(*tags: str) -> dict[str, str]:
    """Build what is missing; {tag: local reference}. All variants where none is named."""
    content = content_hash(docker("image", "inspect", "--format={{.Id}}", BASE))
    wanted = {tag: f"{LOCAL}:{content}-{tag}" for tag in tags or VARIANTS}
    there = docker("images", "--format={{.Repository}}:{{.Tag}}", LOCAL).split()
    for tag, reference in wanted.items():
        if reference not in there:
            docker(*build_argv(tag, reference))
    return wanted


def push(registry: str, password: str, username: str = "delight", *tags: str) -> dict[str, str]:
    """Build and push; {tag: `registry/delight-test:tag`}. The engine must trust the registry.

    The login is kept in a folder that is gone when this returns.
    """
    pushed = {}
    for tag, reference in build(*tags).items():
        pushed[tag] = f"{registry}/{REPOSITORY}:{tag}"
        docker("tag", reference, pushed[tag])
    with tempfile.TemporaryDirectory(prefix="delight-login-") as config:
        if password:
            words = ("login", f"--username={username}", "--password-stdin", registry)
            docker(*words, text=password, config=config)
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(
                pool.map(
                    lambda name: docker("push", "--quiet", name, config=config), pushed.values()
                )
            )
    return pushed
