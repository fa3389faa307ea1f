"""The role `build`: build and push once, say so, refuse with one line, keep the password."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from delight import registry as registry_api

from tests.image.conftest import Build, Registry, docker
from tests.support.git import git

DIGEST = re.compile(r"(\S+@sha256:[0-9a-f]{64}) (pushed as|unchanged, is) (\S+)")


def said(output: str) -> tuple[str, str]:
    """Image with digest, and what became of it."""
    found = DIGEST.search(" ".join(output.split()))
    assert found, output
    return found[1].lstrip('"'), found[2]


def failure(output: str) -> str:
    """The text of the failed task, on one line."""
    return " ".join(output.partition("[ERROR]")[2].split()) or output


def test_build_push_and_leave_alone(build: Build, registry: Registry, project: Path) -> None:
    commit = git(project, "rev-parse", "HEAD").strip()
    tag = commit[:12]
    first = build("-vvv")
    assert first.status == 0, first.output
    image, fate = said(first.output)
    assert fate == "pushed as"
    login = registry.login()
    digest = registry_api.digest_of(f"{registry.address}/hello", tag, login)
    assert image == f"{registry.address}/hello@{digest}"
    labels = registry_api.labels_of(f"{registry.address}/hello", digest, login)
    assert labels["org.opencontainers.image.version"] == tag
    assert labels["org.opencontainers.image.revision"] == commit
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["org.opencontainers.image.created"]
    )

    second = build()
    assert (second.status, second.changed) == (0, 0)
    assert said(second.output) == (image, "unchanged, is")

    forced = build(build_force=True)
    assert forced.status == 0
    assert said(forced.output) == (image, "pushed as"), "the same inputs, the same image"


@pytest.mark.full
def test_a_tag_follows_the_source(build: Build, project: Path) -> None:
    fates = [said(build(build_version="v1").output)[1] for _ in range(2)]
    (project / "tests/image/hello/untracked").write_text("other source")
    fates.append(said(build(build_version="v1").output)[1])
    unnamed = build().output
    (project / "tests/image/hello/untracked").unlink()
    assert fates == ["pushed as", "unchanged, is", "pushed as"]
    commit = git(project, "rev-parse", "HEAD")[:12]
    assert re.search(rf"pushed as {commit}-dirty-[0-9a-f]{{8}}\b", " ".join(unnamed.split()))


def test_other_arguments_are_another_image(build: Build, registry: Registry) -> None:
    def described(word: str) -> dict[str, object]:
        name = f"{registry.address}/words"
        arguments = {"BASE": "scratch", "WORD": word}
        return {"words": {"context": "tests/image/hello", "image": name, "args": arguments}}

    one = build(build_images=described("one"))
    two = build(build_images=described("two"))
    assert said(one.output)[1] == said(two.output)[1] == "pushed as"
    assert said(one.output)[0] != said(two.output)[0]


def test_check_mode_builds_nothing(build: Build, registry: Registry) -> None:
    version = "never-built"
    run = build("--check", "--diff", build_version=version)
    assert (run.status, run.changed) == (0, 0), run.output
    assert f"would build and push {registry.address}/hello:{version}" in " ".join(
        run.output.split()
    )
    with pytest.raises(registry_api.MissingImage):
        registry_api.digest_of(f"{registry.address}/hello", version, registry.login())
    assert docker("image", "inspect", f"{registry.address}/hello:{version}", check=False).returncode


def test_no_engine(build: Build) -> None:
    run = build(environment={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert run.status == 2
    assert "No Docker engine answers on this machine" in failure(run.output)


def test_a_refusal_of_the_registry_ends_the_run(build: Build, registry: Registry) -> None:
    run = build(build_registry_password="not-the-planted-word")
    assert (run.status, run.changed) == (2, 0)
    assert f"registry {registry.address} refuses the login 'builder'" in failure(run.output)
