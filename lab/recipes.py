"""The images that the lab builds from Debian packages, as data, and their cache keys."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lab import paths

LABEL = "delight.lab.recipe"
BASE = "delight-lab/base:13"
HOST = "delight-lab/host:13"
# What provisioning may install on a host from the image's own package folder.
HOST_PACKAGES = (
    "acl chrony cron docker-buildx docker-cli docker-compose docker.io jq logrotate rsync"
    " unattended-upgrades"
)


@dataclass(frozen=True)
class Recipe:
    """One image: its folder below lab/images, its names, its build arguments."""

    folder: str
    tags: tuple[str, ...]
    arguments: tuple[tuple[str, str], ...] = ()

    @property
    def context(self) -> Path:
        """The build context."""
        return paths.RECIPES / self.folder


RECIPES = (
    Recipe("host", (HOST,), (("PACKAGES", HOST_PACKAGES),)),
    Recipe("python", ("delight-lab/python:3.13",)),
    Recipe("node", ("delight-lab/node:20",)),
    Recipe("haproxy", ("delight-lab/haproxy:3.0",)),
    Recipe("postgres", ("delight-lab/postgres:17",)),
    Recipe("redis", ("delight-lab/redis:8", "delight-lab/redis:latest")),
    Recipe("registry", ("delight-lab/registry:2",)),
)


def base_key(suite: str, mirror: str) -> str:
    """The cache key of the base image."""
    return hashlib.sha256(f"{suite} {mirror} minbase ca-certificates 2".encode()).hexdigest()[:16]


def key(recipe: Recipe, base: str) -> str:
    """The cache key of an image: its files, its arguments and its base's key."""
    digest = hashlib.sha256(base.encode())
    for path in sorted(recipe.context.rglob("*")):
        if path.is_file():
            name = path.relative_to(recipe.context)
            digest.update(f"{name}\0{path.stat().st_mode:o}\0".encode())
            digest.update(path.read_bytes())
    digest.update(repr(recipe.arguments).encode())
    return digest.hexdigest()[:16]


def build(recipe: Recipe, cache_key: str) -> list[str]:
    """argv that builds an image with the machine's own network, which always works."""
    argv = ["docker", "build", "--quiet", "--network", "host", "--label", f"{LABEL}={cache_key}"]
    for name, value in (("BASE", BASE), *recipe.arguments):
        argv += ["--build-arg", f"{name}={value}"]
    for tag in recipe.tags:
        argv += ["--tag", tag]
    return [*argv, str(recipe.context)]


def key_of(tag: str) -> list[str]:
    """argv that prints the cache key of a present image."""
    return [
        "docker",
        "image",
        "inspect",
        "--format",
        f'{{{{index .Config.Labels "{LABEL}"}}}}',
        tag,
    ]


def debootstrap(suite: str, mirror: str, tarball: Path) -> list[str]:
    """argv that makes the smallest Debian as a tar archive."""
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--include=ca-certificates",
        # A container's file system needs no fsync after each package.
        "--dpkgopt=force-unsafe-io",
        # Nobody reads manuals in a container; loading an image costs time by its size.
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/info/*",
        suite,
        str(tarball),
        mirror,
    ]


def base_from(image: str, cache_key: str, tarball: Path | None) -> list[str]:
    """argv that names the base: imported from a tarball, or a pulled image tagged anew."""
    if tarball is None:
        return ["docker", "tag", image, BASE]
    change = f"LABEL {LABEL}={cache_key}"
    path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return ["docker", "import", "--change", change, "--change", path, str(tarball), BASE]
