"""What to build and push, as data: labels, command lines, and whether there is anything to do."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delight import build_context, registry
from delight.errors import ConfigError
from delight.reference import parse, split

# What an image was made from: an image whose label says the same needs no second build.
INPUTS_LABEL = "delight.build.inputs"
WORDS = {str: "text", dict: "mapping", list: "list"}
KEYS = {"context": str, "image": str, "args": dict, "dockerfile": str, "generated": list}


@dataclass(frozen=True)
class Image:
    """One image: `context` is a folder, below that of the source or anywhere, `image` a repository without a tag.

    `generated` are paths in the context that git ignores and the image needs.
    """

    name: str
    context: str
    image: str
    dockerfile: str = "Dockerfile"
    args: dict[str, str] = field(default_factory=dict)
    generated: list[str] = field(default_factory=list)

    def inputs(self, source: Path) -> str:
        """A digest of all that the image is made from, below the folder of the source."""
        folder = source / self.context
        content = build_context.digest(folder, build_context.sent(folder, self.dockerfile))
        recipe = hashlib.sha256((folder / self.dockerfile).read_bytes()).hexdigest()
        text = json.dumps([content, recipe, self.args], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Tree:
    """The source's commit and its time; both empty where it is no git checkout with a commit."""

    revision: str = ""
    created: str = ""


def validate(images: Any, source: Path) -> list[Image]:
    """The images that `build_images` describes, or a ConfigError with every mistake's path."""
    if not isinstance(images, dict):
        raise ConfigError(["build_images: must be a mapping of names to images"])
    mistakes = []
    found = []
    for name, data in images.items():
        wrong = list(_mistakes(f"build_images.{name}", data, source))
        mistakes += wrong
        if not wrong:
            args = {key: str(value) for key, value in data.get("args", {}).items()}
            found.append(Image(name=name, **{**data, "args": args}))
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _mistakes(path: str, data: Any, source: Path) -> list[str]:
    if not isinstance(data, dict):
        return [f"{path}: must be a mapping"]
    found = [f"{path}: unknown key {key!r}" for key in data if key not in KEYS]
    found += [f"{path}.{key}: missing" for key in ("context", "image") if key not in data]
    for key, kind in KEYS.items():
        if key in data and not isinstance(data[key], kind):
            found.append(f"{path}.{key}: must be a {WORDS[kind]}")
    if found:
        return found
    try:
        named = parse(data["image"])
    except ValueError as error:
        return [f"{path}.image: {error}"]
    if named.version:
        return [f"{path}.image: carries a tag; `build_version` is the tag of all"]
    folder, dockerfile = source / data["context"], data.get("dockerfile", "Dockerfile")
    if not (folder / dockerfile).is_file():
        return [f"{path}.context: there is no {folder / dockerfile}"]
    return _unknown_to_git(path, folder, dockerfile, data.get("generated", []))


def _unknown_to_git(path: str, folder: Path, dockerfile: str, generated: list[str]) -> list[str]:
    """Refuse what would get into an image by accident: the usual place of a secret is a file that git ignores."""
    wanted = tuple(f"{str(name).rstrip('/')}/" for name in generated)
    found = [
        name
        for name in build_context.ignored(folder, build_context.sent(folder, dockerfile))
        if not f"{name.rstrip('/')}/".startswith(wanted)
    ]
    if not found:
        return []
    others = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return [
        f"{path}.context: git ignores {', '.join(found[:3])}{others} in {folder}, and the image would hold it: "
        f"name it in {folder / '.dockerignore'}, or in {path}.generated if the image needs it"
    ]


def build_argv(
    image: Image, source: Path, tag: str, labels: Mapping[str, str], ca_file: str
) -> list[str]:
    """The command that builds the image into the engine's own store."""
    folder = source / image.context
    argv = ["docker", "buildx", "build", "--load", "--progress", "plain"]
    argv += ["--file", str(folder / image.dockerfile), "--tag", f"{image.image}:{tag}"]
    for key, value in sorted(image.args.items()):
        argv += ["--build-arg", f"{key}={value}"]
    for key, value in sorted(labels.items()):
        argv += ["--label", f"{key}={value}"]
    if ca_file:
        argv += ["--secret", f"id=ca,src={ca_file}"]
    return [*argv, str(folder)]


def labels_for(image: Image, tree: Tree, tag: str, inputs: str) -> dict[str, str]:
    """Where the image comes from; no time of now, so that a rebuild is the same."""
    return {
        "org.opencontainers.image.revision": tree.revision,
        "org.opencontainers.image.created": tree.created,
        "org.opencontainers.image.version": tag,
        "org.opencontainers.image.title": image.image.rpartition("/")[2],
        INPUTS_LABEL: inputs,
    }


def present(image: Image, tag: str, inputs: str, logins: Mapping[str, registry.Login]) -> str:
    """The digest of the image in the registry if it was made from the same `inputs`, else ''.

    Without any: whatever it was made from.
    """
    login = logins.get(split(image.image)[0], registry.Login())
    try:
        digest = registry.digest_of(image.image, tag, login)
    except registry.MissingImage:
        return ""
    except registry.Unreachable as error:
        host = split(image.image)[0]
        cause = type(error.__cause__).__name__
        raise registry.RegistryError(
            f"registry {host} does not answer ({cause}); start it, or check `registry` and "
            "`registry_ca`"
        ) from error
    if not inputs:
        return digest
    made_from = registry.labels_of(image.image, digest, login).get(INPUTS_LABEL)
    return digest if made_from == inputs else ""


def tree(folder: Path) -> Tree:
    """The commit that a folder is at."""
    done = subprocess.run(
        ["git", "-C", str(folder), "log", "-1", "--format=%H %cd", "--date=format-local:%FT%TZ"],
        capture_output=True,
        check=False,
        text=True,
        env=os.environ | {"TZ": "UTC"},
    )
    revision, _, created = done.stdout.strip().partition(" ")
    return Tree() if done.returncode else Tree(revision, created)
