"""What is built and how, as data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from delight import build
from delight.errors import ConfigError

from tests.support.registry import stub_registry

TREE = build.Tree("1a2b3c4d5e6f", "1a2b3c4d5e6f" + "0" * 28, "2026-01-02T03:04:05Z")
API = build.Image("api", "backend", "registry.example/delight", args={"BASE": "b:1", "A": "1"})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one context."""
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend" / "Dockerfile").touch()
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
    assert build.labels_for(API, TREE, "v1") == {
        "org.opencontainers.image.revision": TREE.revision,
        "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
        "org.opencontainers.image.version": "v1",
        "org.opencontainers.image.title": "delight",
        "delight.build.inputs": API.inputs("1a2b3c4d5e6f"),
    }


@pytest.mark.parametrize(
    "other",
    [
        build.Image("api", "backend", "registry.example/delight", args={"BASE": "b:2", "A": "1"}),
        build.Image("api", "other", "registry.example/delight", args=API.args),
        build.Image("api", "backend", "registry.example/delight", "Other", API.args),
    ],
)
def test_every_input_counts(other: build.Image) -> None:
    assert other.inputs("s") != API.inputs("s")
    assert API.inputs("t") != API.inputs("s")


def test_described_images(project: Path) -> None:
    described = {"api": {"context": "backend", "image": "r/i", "args": {"N": 1}}}
    assert build.validate(described, project) == [
        build.Image("api", "backend", "r/i", args={"N": "1"})
    ]
    with pytest.raises(ConfigError, match="build_images: must be a mapping"):
        build.validate([], project)


@pytest.mark.parametrize(
    ("label", "same"), [(API.inputs(TREE.source), True), ("another", False), (None, False)]
)
def test_present_means_made_from_the_same(tmp_path: Path, label: str | None, same: bool) -> None:
    labels = {} if label is None else {build.INPUTS_LABEL: label}
    with stub_registry(tmp_path) as stub:
        digest = stub.push("delight", "t", labels)
        image = replace(API, image=f"{stub.address}/delight")
        assert build.present(image, "t", TREE, stub.login()) == (digest if same else "")
        assert build.present(image, "t", None, stub.login()) == digest
        assert build.present(image, "missing", TREE, stub.login()) == ""
