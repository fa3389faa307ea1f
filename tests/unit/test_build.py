"""What is built and how, as data."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from delight import build
from delight.errors import ConfigError

from tests.support.git import commit_all
from tests.support.registry import stub_registry

TREE = build.Tree("1a2b3c4d5e6f" + "0" * 28, "2026-01-02T03:04:05Z")
API = build.Image("api", "backend", "registry.example/delight", args={"BASE": "b:1", "A": "1"})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one context."""
    (tmp_path / "backend/app").mkdir(parents=True)
    (tmp_path / "backend/Dockerfile").touch()
    (tmp_path / "backend/app/main.py").write_text("print()\n")
    return tmp_path


def test_command(project: Path) -> None:
    argv = build.build_argv(API, project, "t", {"z": "1", "a": "2"}, "/etc/ca.pem")
    assert argv == [
        *["docker", "buildx", "build", "--load", "--progress", "plain"],
        *["--file", f"{project}/backend/Dockerfile", "--tag", "registry.example/delight:t"],
        *["--build-arg", "A=1", "--build-arg", "BASE=b:1"],
        *["--label", "a=2", "--label", "z=1"],
        *["--secret", "id=ca,src=/etc/ca.pem", f"{project}/backend"],
    ]
    assert "--secret" not in build.build_argv(API, project, "t", {}, "")


def test_labels() -> None:
    assert build.labels_for(API, TREE, "v1", "digest") == {
        "org.opencontainers.image.revision": TREE.revision,
        "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
        "org.opencontainers.image.version": "v1",
        "org.opencontainers.image.title": "delight",
        "delight.build.inputs": "digest",
    }


def text(name: str) -> Callable[[Path], object]:
    """Another text in a file."""
    return lambda folder: (folder / name).write_text("another")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a file": text("app/main.py"),
    "a new file": text("app/new.py"),
    "the recipe": text("Dockerfile"),
    "a name": lambda folder: (folder / "app/main.py").rename(folder / "app/other.py"),
    "a mode": lambda folder: (folder / "app/main.py").chmod(0o755),
    "a link": lambda folder: (folder / "app/link").symlink_to("main.py"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_input_counts(project: Path, change: Callable[[Path], object]) -> None:
    before = API.inputs(project)
    os.utime(project / "backend/app/main.py", (1, 1))
    assert API.inputs(project) == before
    assert replace(API, args={"BASE": "b:2", "A": "1"}).inputs(project) != before
    change(project / "backend")
    assert API.inputs(project) != before


def test_what_docker_is_not_sent_does_not_count(project: Path) -> None:
    (project / "backend/.dockerignore").write_text("# ours\n*\n!app\n**/*.pyc\nDockerfile\n")
    before = API.inputs(project)
    (project / "backend/app/main.pyc").write_text("cache")
    (project / "backend/notes").write_text("of no use")
    assert API.inputs(project) == before
    (project / "backend/app/more.py").write_text("code")
    (project / "backend/Dockerfile").write_text("FROM scratch\n")
    assert API.inputs(project) != before


def test_what_git_ignores_gets_into_no_image_unless_it_is_named(project: Path) -> None:
    (project / ".gitignore").write_text(".env\ndist/\n*.log\n")
    commit_all(project)
    (project / "backend/.env").write_text("KEY=hunter22\n")
    (project / "backend/dist/js").mkdir(parents=True)
    (project / "backend/dist/js/a.js").write_text("built")
    described: dict[str, Any] = {"api": {"context": "backend", "image": "r/i"}}
    with pytest.raises(ConfigError) as caught:
        build.validate(described, project)
    assert caught.value.mistakes == [
        f"build_images.api.context: git ignores .env, dist/ in {project}/backend, and the image would hold it: "
        f"name it in {project}/backend/.dockerignore, or in build_images.api.generated if the image needs it"
    ]
    (project / "backend/.dockerignore").write_text(".env\n")
    described["api"]["generated"] = ["dist"]
    [image] = build.validate(described, project)
    before = image.inputs(project)
    (project / "backend/dist/js/a.js").write_text("built again")
    assert image.inputs(project) != before


def test_a_history_gets_into_no_image(project: Path) -> None:
    (project / "Dockerfile").touch()
    commit_all(project)
    described = {"api": {"context": ".", "image": "r/i"}}
    with pytest.raises(ConfigError, match=r"git ignores \.git/ in .*, and the image would hold it"):
        build.validate(described, project)
    (project / ".dockerignore").write_text(".git\n")
    assert build.validate(described, project)


def test_a_context_may_be_anywhere(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "Dockerfile").touch()
    [image] = build.validate({"api": {"context": str(elsewhere), "image": "r/i"}}, project)
    assert build.build_argv(image, project, "t", {}, "")[-1] == str(elsewhere)
    before = image.inputs(project)
    (elsewhere / "code").write_text("code")
    assert image.inputs(project) != before
    assert build.tree(elsewhere) == build.Tree()


def test_described_images(project: Path) -> None:
    described = {"api": {"context": "backend", "image": "r/i", "args": {"N": 1}}}
    assert build.validate(described, project) == [
        build.Image("api", "backend", "r/i", args={"N": "1"})
    ]
    with pytest.raises(ConfigError, match="build_images: must be a mapping"):
        build.validate([], project)


@pytest.mark.parametrize(("label", "same"), [("digest", True), ("another", False), (None, False)])
def test_present_means_made_from_the_same(tmp_path: Path, label: str | None, same: bool) -> None:
    labels = {} if label is None else {build.INPUTS_LABEL: label}
    with stub_registry(tmp_path) as stub:
        digest = stub.push("delight", "t", labels)
        image = replace(API, image=f"{stub.address}/delight")
        assert build.present(image, "t", "digest", stub.logins()) == (digest if same else "")
        assert build.present(image, "t", "", stub.logins()) == digest
        assert build.present(image, "missing", "digest", stub.logins()) == ""
