"""Load images into the hosts' own engines, so that nothing is pulled from outside.

The archives stand in one folder of this machine, which every host sees read-only.
"""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import paths, shell
from lab.errors import LabError
from lab.fleet import each
from lab.inventory import Fleet, Host


def archive(image: str, identity: str) -> Path:
    """The file for one version of an image: a new build gets a new name."""
    name = image.replace("/", "_").replace(":", "_")
    return paths.IMAGE_TARS / f"{name}_{identity.removeprefix('sha256:')[:12]}.tar"


def identify(images: list[str]) -> list[str]:
    """argv that prints `name id` for images that are there."""
    return ["docker", "image", "inspect", "--format", "{{.Id}} {{json .RepoTags}}", *images]


def seed(fleet: Fleet) -> list[str]:
    """Load what is missing; return `host:image` of each image loaded."""
    wanted = sorted({image for host in fleet.hosts for image in host.images})
    if not wanted:
        return []
    with_docker = dict(zip(fleet.hosts, each(fleet, lambda host: _present(fleet, host)), strict=True))
    here = {image: _identity(image) for image in wanted}
    missing = {
        host: [image for image in host.images if present.get(image) != here[image]]
        for host, present in with_docker.items()
        if present is not None
    }
    needed = sorted({image for images in missing.values() for image in images})
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda image: _save(image, here[image]), needed))

    def load(host: Host) -> list[str]:
        name = fleet.container(host)
        for image in missing.get(host, []):
            inside = f"/var/lib/lab/images/{archive(image, here[image]).name}"
            shell.run(["docker", "exec", name, "docker", "load", "--quiet", "--input", inside])
        return [f"{host.name}:{image}" for image in missing.get(host, [])]

    return [loaded for per_host in each(fleet, load) for loaded in per_host]


def _present(fleet: Fleet, host: Host) -> dict[str, str] | None:
    """Images of the host's engine as name → id; None when it has no engine (yet)."""
    form = "{{.Repository}}:{{.Tag}} {{.ID}}"
    command = ["docker", "image", "ls", "--no-trunc", "--format", form]
    done = shell.attempt(["docker", "exec", fleet.container(host), *command])
    if done.returncode != 0:
        return None
    pairs = (line.split() for line in done.stdout.decode().splitlines())
    return {name: identity for name, identity in pairs}


def _identity(image: str) -> str:
    done = shell.attempt(["docker", "image", "inspect", "--format", "{{.Id}}", image])
    if done.returncode != 0:
        raise LabError(f"image {image} (lab_images) is not on this machine: `python -m lab images`")
    return done.stdout.decode().strip()


def _save(image: str, identity: str) -> None:
    target = archive(image, identity)
    if target.exists():
        return
    paths.IMAGE_TARS.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=paths.IMAGE_TARS)
    os.close(handle)
    try:
        shell.run(["docker", "save", "--output", part, image])
        os.replace(part, target)
    finally:
        Path(part).unlink(missing_ok=True)
    prefix = target.name.rsplit("_", 1)[0]
    for old in paths.IMAGE_TARS.glob(f"{prefix}_*.tar"):
        if old != target:
            old.unlink(missing_ok=True)
