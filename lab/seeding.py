"""Give hosts their images, so that nothing is pulled from outside.

The archives stand in one folder of this machine, which every host sees read-only. A host
gets a list of its own; it loads what is missing when its engine starts (so provisioning
finds the images as soon as it has installed Docker), or at once if the engine runs.
"""

import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import paths, shell
from lab.errors import LabError
from lab.inventory import Fleet, Host
from lab.lifecycle import each

LOADER = paths.RECIPES / "host/files/usr/local/sbin/lab-load-images"
LIST = "/var/lib/lab/images.list"


def archive(image: str, identity: str) -> Path:
    """The file for one version of an image: a new build gets a new name."""
    name = image.replace("/", "_").replace(":", "_")
    return paths.IMAGE_TARS / f"{name}_{identity.removeprefix('sha256:')[:12]}.tar"


def listing(host: Host, identities: Mapping[str, str]) -> str:
    """The list of one host: a line of name, id and archive for each image."""
    rows = ((image, identities[image]) for image in host.images)
    return "".join(f"{image} {key} {archive(image, key).name}\n" for image, key in rows)


def deliver(name: str, loader: str) -> list[str]:
    """argv that puts the list (stdin) into a host and loads what is missing."""
    return ["docker", "exec", "--interactive", name, "sh", "-c", f"cat > {LIST}\n{loader}"]


def seed(fleet: Fleet) -> list[str]:
    """Bring lists and images up to date; return `host:image` of each image loaded."""
    wanted = sorted({image for host in fleet.hosts for image in host.images})
    identities = {image: _identity(image) for image in wanted}
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda image: _save(image, identities[image]), wanted))
    loader = LOADER.read_text()

    def load(host: Host) -> list[str]:
        text = listing(host, identities)
        out = shell.run(deliver(fleet.container(host), loader), text.encode())
        return [f"{host.name}:{image}" for image in out.split()]

    return [loaded for per_host in each(fleet, load) for loaded in per_host]


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
