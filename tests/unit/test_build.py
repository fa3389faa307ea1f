"""What is built and how, as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from delight import build
from delight.registry import Login, MissingImage, RegistryError, Unreachable
from delight.schema import ConfigError

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
    ("label", "expected"), [(API.inputs(TREE.source), "sha256:d"), ("another", ""), (None, "")]
)
def test_present_means_made_from_the_same(
    monkeypatch: pytest.MonkeyPatch, label: str | None, expected: str
) -> None:
    labels = {} if label is None else {build.INPUTS_LABEL: label}
    monkeypatch.setattr("delight.registry.digest_of", lambda *_: "sha256:d")
    monkeypatch.setattr("delight.registry.labels_of", lambda *_: labels)
    assert build.present(API, "t", TREE, Login()) == expected
    assert build.present(API, "t", None, Login()) == "sha256:d"


def test_a_missing_tag_is_not_present(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> str:
        raise MissingImage("no")

    monkeypatch.setattr("delight.registry.digest_of", missing)
    assert build.present(API, "t", TREE, Login()) == ""


def test_a_registry_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> str:
        raise Unreachable("for a deploy") from ConnectionError()

    monkeypatch.setattr("delight.registry.digest_of", down)
    with pytest.raises(RegistryError, match=r"registry\.example does not answer \(ConnectionErr"):
        build.present(API, "t", TREE, Login())
