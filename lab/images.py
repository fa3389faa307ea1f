"""Build the lab's images, once per recipe."""

import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import apt, paths, recipes, shell
from lab.recipes import Recipe

OFFICIAL_BASE = "debian:trixie-slim"


def present(tag: str, cache_key: str) -> bool:
    """Whether the engine has this image, made by this recipe."""
    done = shell.attempt(recipes.key_of(tag))
    return done.returncode == 0 and done.stdout.decode().strip() == cache_key


def ensure(say: Callable[[str], None] = print) -> list[str]:
    """Build what is missing or outdated; return the first tag of each image built."""
    base_key = recipes.base_key(apt.SUITE, apt.MIRROR)
    keys = {recipe: recipes.key(recipe, base_key) for recipe in recipes.RECIPES}
    missing = [
        recipe
        for recipe, cache_key in keys.items()
        if not all(present(tag, cache_key) for tag in recipe.tags)
    ]
    if not missing:
        return []
    if not shell.succeeds(["docker", "image", "inspect", recipes.BASE]) or (
        _can_debootstrap() and not present(recipes.BASE, base_key)
    ):
        say(f"building {recipes.BASE}")
        _base(base_key)

    def make(recipe: Recipe) -> str:
        say(f"building {recipe.tags[0]}")
        shell.run(recipes.build(recipe, keys[recipe]))
        return recipe.tags[0]

    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(make, missing))


def remove(reference: str) -> list[str]:
    """Remove the images of a name, as `delight-lab/*`, with every tag; their names."""
    form = "{{.Repository}}:{{.Tag}}"
    names = shell.run(["docker", "image", "ls", "--format", form, reference]).split()
    tagged = [name for name in names if not name.endswith(":<none>")]
    if tagged:
        shell.run(["docker", "image", "rm", "--force", *tagged])
    return tagged


def _can_debootstrap() -> bool:
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def _base(cache_key: str) -> None:
    if not _can_debootstrap():
        shell.run(["docker", "pull", "--quiet", OFFICIAL_BASE])
        shell.run(recipes.base_from(OFFICIAL_BASE, cache_key, None))
        return
    if shutil.which("mmdebstrap") is None:
        apt.install(["mmdebstrap"])
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.CACHE) as folder:
        tarball = Path(folder) / "base.tar"
        shell.run(recipes.debootstrap(apt.SUITE, apt.MIRROR, tarball))
        shell.run(recipes.base_from("", cache_key, tarball))
