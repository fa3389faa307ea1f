"""Recipes of images, their cache keys, and how they reach the hosts."""

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab import apt, images, playbooks, recipes, seeding
from lab.inventory import Host
from lab.recipes import RECIPES, Recipe


def test_every_recipe_has_a_dockerfile_and_a_tag() -> None:
    assert all((recipe.context / "Dockerfile").is_file() and recipe.tags for recipe in RECIPES)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe of two files."""
    monkeypatch.setattr("lab.paths.RECIPES", tmp_path)
    (tmp_path / "demo/files").mkdir(parents=True)
    (tmp_path / "demo/Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "demo/files/run").write_text("#!/bin/sh\n")
    return Recipe("demo", ("demo:1", "demo:latest"))


def test_a_key_follows_content_mode_arguments_and_base(recipe: Recipe) -> None:
    keys = [recipes.key(recipe, "base")]
    file = recipe.context / "files/run"
    file.chmod(0o755)
    keys.append(recipes.key(recipe, "base"))
    file.write_text("#!/bin/sh\ntrue\n")
    keys.append(recipes.key(recipe, "base"))
    keys.append(recipes.key(recipe, "other base"))
    keys.append(recipes.key(Recipe("demo", recipe.tags, (("A", "1"),)), "base"))
    assert len(set(keys)) == len(keys)
    assert recipes.key(recipe, "base") == keys[2]


def test_a_build_names_key_base_and_all_tags(recipe: Recipe) -> None:
    argv = recipes.build(recipe, "abc")
    text = " ".join(argv)
    assert f"--label {recipes.LABEL}=abc" in text
    assert f"--build-arg BASE={recipes.BASE}" in text
    assert "--tag demo:1 --tag demo:latest" in text
    assert argv[-1] == str(recipe.context)


def test_no_image_is_built_when_all_keys_match(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "present", lambda tag, key: True)
    assert images.ensure() == []


def test_a_list_of_images_names_archives_by_version() -> None:
    host = Host("one", IPv4Address("10.99.0.11"), 2299, (), ("lab/a:1",))
    text = seeding.listing(host, {"lab/a:1": "sha256:0123456789abcdef"})
    assert text == "lab/a:1 sha256:0123456789abcdef lab_a_1_0123456789ab.tar\n"


def test_foreign_packages_leave_the_machines_apt_alone() -> None:
    argv = apt.foreign_apt(Path("/s"), ["update"])
    assert argv[0] == "apt-get" and argv[-1] == "update"
    for place in ("Dir::State=/s", "Dir::Cache=/s/cache", "Dir::Etc::sourcelist=/s/sources.list"):
        assert place in argv


def test_changes_are_counted_over_all_hosts() -> None:
    output = (
        "PLAY RECAP ***\n"
        "app1   : ok=42   changed=10   unreachable=0    failed=0\n"
        "app2   : ok=42   changed=2    unreachable=0    failed=0\n"
    )
    assert playbooks.changed(output) == 12
