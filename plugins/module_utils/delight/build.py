"""What to build and push, as data: labels, command lines, and whether there is anything to do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delight import registry
from delight.errors import ConfigError
from delight.version import source_version

# What an image was made from: an image whose label says the same needs no second build.
INPUTS_LABEL = "delight.build.inputs"
KEYS = {"context": str, "image": str, "args": dict, "dockerfile": str}
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Image:
    """One image: `context` is a folder below the project, `image` a repository without a tag."""

    name: str
    context: str
    image: str
    dockerfile: str = "Dockerfile"
    args: dict[str, str] = field(default_factory=dict)

    def inputs(self, source: str) -> str:
        """A digest of all that the image is made from; `source` names the source tree."""
        text = json.dumps([source, self.context, self.dockerfile, self.args], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Tree:
    """The source: its name (commit, marked when dirty), the full commit and the commit's time."""

    source: str
    revision: str
    created: str


def validate(images: Any, project: Path) -> list[Image]:
    """The images that `build_images` describes, or a ConfigError with every mistake's path."""
    if not isinstance(images, dict):
        raise ConfigError(["build_images: must be a mapping of names to images"])
    mistakes = []
    found = []
    for name, data in images.items():
        wrong = list(_mistakes(f"build_images.{name}", data, project))
        mistakes += wrong
        if not wrong:
            args = {key: str(value) for key, value in data.get("args", {}).items()}
            found.append(Image(name=name, **{**data, "args": args}))
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _mistakes(path: str, data: Any, project: Path) -> list[str]:
    if not isinstance(data, dict):
        return [f"{path}: must be a mapping"]
    found = [f"{path}: unknown key {key!r}" for key in data if key not in KEYS]
    found += [f"{path}.{key}: missing" for key in ("context", "image") if key not in data]
    for key, kind in KEYS.items():
        if key in data and not isinstance(data[key], kind):
            found.append(f"{path}.{key}: must be a {'text' if kind is str else 'mapping'}")
    if not found:
        file = project / data["context"] / data.get("dockerfile", "Dockerfile")
        if not file.is_file():
            found.append(f"{path}.context: there is no {file}")
    return found


def build_argv(
    image: Image, project: Path, tag: str, labels: Mapping[str, str], ca_file: str
) -> list[str]:
    """The command that builds the image into the engine's own store."""
    folder = project / image.context
    argv = ["docker", "buildx", "build", "--load", "--progress", "plain"]
    argv += ["--file", str(folder / image.dockerfile), "--tag", f"{image.image}:{tag}"]
    for key, value in sorted(image.args.items()):
        argv += ["--build-arg", f"{key}={value}"]
    for key, value in sorted(labels.items()):
        argv += ["--label", f"{key}={value}"]
    if ca_file:
        argv += ["--secret", f"id=ca,src={ca_file}"]
    return [*argv, str(folder)]


def labels_for(image: Image, tree: Tree, tag: str) -> dict[str, str]:
    """Where the image comes from; no time of now, so that a rebuild is the same."""
    return {
        "org.opencontainers.image.revision": tree.revision,
        "org.opencontainers.image.created": tree.created,
        "org.opencontainers.image.version": tag,
        "org.opencontainers.image.title": image.image.rpartition("/")[2],
        INPUTS_LABEL: image.inputs(tree.source),
    }


def present(image: Image, tag: str, tree: Tree | None, login: registry.Login) -> str:
    """The digest of the image in the registry if it was made from the same inputs, else ''.

    Without a tree: whatever it was made from.
    """
    try:
        digest = registry.digest_of(image.image, tag, login)
    except registry.MissingImage:
        return ""
    except registry.Unreachable as error:
        host = registry.split(image.image)[0]
        cause = type(error.__cause__).__name__
        raise registry.RegistryError(
            f"registry {host} does not answer ({cause}); start it, or check `registry` and "
            "`registry_ca`"
        ) from error
    if tree is None:
        return digest
    made_from = registry.labels_of(image.image, digest, login).get(INPUTS_LABEL)
    return digest if made_from == image.inputs(tree.source) else ""


def tree(project: Path) -> Tree:
    """The state of the working copy; NoVersion where it is no git checkout with a commit."""
    source = source_version(project)
    done = subprocess.run(
        ["git", "-C", str(project), "log", "-1", "--format=%H %cd", "--date=format-local:%FT%TZ"],
        capture_output=True,
        check=True,
        text=True,
        env=os.environ | {"TZ": "UTC"},
    )
    revision, _, created = done.stdout.strip().partition(" ")
    return Tree(source, revision, created)
