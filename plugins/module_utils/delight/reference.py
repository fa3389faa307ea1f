"""Names of images: `[host[:port]/]path[:tag][@digest]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What the distribution API of Docker Hub is called; names without a host are Docker Hub's.
HUB = "registry-1.docker.io"
HUB_NAMES = {"docker.io", "index.docker.io", HUB}
HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?"
PATH = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"(?:{HOST}/)?{PATH}(?:/{PATH})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """An image: its repository and what names one version of it, a tag, a digest or nothing."""

    repository: str
    version: str = ""


def parse(text: str) -> Reference:
    """The parts of an image's name; raises ValueError with the way out, never with the name itself."""
    if "://" in text:
        raise ValueError("an image is no URL: write host/path without the scheme")
    name, at, digest = text.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise ValueError("the digest is not sha256: and 64 hexadecimal digits")
    head, slash, last = name.rpartition("/")
    last, tagged, tag = last.partition(":")
    if tagged and not TAG.fullmatch(tag):
        raise ValueError("what stands after the colon is no tag")
    repository = f"{head}{slash}{last}"
    if not REPOSITORY.fullmatch(repository):
        if REPOSITORY.fullmatch(repository.lower()):
            raise ValueError("a repository is written in lower case")
        raise ValueError("is not the name of an image: [host[:port]/]path[:tag]")
    return Reference(repository, digest or tag)


def split(image: str) -> tuple[str, str]:
    """`host:port/path` → (registry host, repository); Docker Hub where no host is named."""
    head, slash, rest = image.partition("/")
    if not slash or not ("." in head or ":" in head or head == "localhost"):
        head, rest = HUB, image
    if head in HUB_NAMES:
        return HUB, rest if "/" in rest else f"library/{rest}"
    return head, rest
