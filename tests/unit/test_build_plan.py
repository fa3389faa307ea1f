"""The plan of a build, made from a checkout and a registry, and its refusals."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delight import build, config

from plugins.action import build_plan
from tests.support.git import commit_all
from tests.support.registry import StubRegistry, stub_registry

PASSWORD = "planted-registry-word"
Plan = Callable[..., dict[str, Any]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean checkout with one context, where the action looks for its project."""
    folder = tmp_path / "project"
    (folder / "backend").mkdir(parents=True)
    (folder / "backend" / "Dockerfile").write_text("FROM scratch\n")
    commit_all(folder)
    monkeypatch.setattr(config, "PROJECT", folder)
    return folder


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[StubRegistry]:
    """A registry that wants a login."""
    with stub_registry(tmp_path, username="builder", password=PASSWORD) as running:
        yield running


@pytest.fixture
def plan(project: Path, stub: StubRegistry) -> Plan:
    """The action's result; without changes, for one image that the stub does not have."""

    def run(**changes: Any) -> dict[str, Any]:
        arguments = {
            "images": {"api": {"context": "backend", "image": f"{stub.address}/delight"}},
            "version": "",
            "registry": stub.address,
            "username": "builder",
            "password": PASSWORD,
            "registry_ca": stub.ca,
        } | changes
        task = SimpleNamespace(args=arguments, async_val=0, check_mode=False, action="images")
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        action = build_plan.ActionModule(task, connection, None, None, None, None)
        result: dict[str, Any] = action.run()
        assert result.pop("changed", False) is False
        assert PASSWORD not in str(result)
        return result

    return run


def refusal(result: dict[str, Any]) -> str:
    """The message of a failed task, which returns nothing else."""
    assert result.pop("failed") is True
    message: str = result.pop("msg")
    assert not result
    return message


def test_what_is_not_there_is_built(plan: Plan, stub: StubRegistry, project: Path) -> None:
    tree = build.tree(project)
    tag = tree.revision[:12]
    found = plan(ca_file="/etc/ca.pem")
    assert found["version"] == tag
    [image] = build.validate(
        {"api": {"context": "backend", "image": f"{stub.address}/delight"}}, project
    )
    labels = build.labels_for(image, tree, tag, image.inputs(project))
    assert found["builds"] == [
        {
            "name": "api",
            "repository": f"{stub.address}/delight",
            "reference": f"{stub.address}/delight:{tag}",
            "digest": "",
            "wanted": True,
            "argv": build.build_argv(image, project, tag, labels, "/etc/ca.pem"),
        }
    ]


def test_what_is_there_is_left_alone(plan: Plan, stub: StubRegistry, project: Path) -> None:
    inputs = build.Image("api", "backend", "any").inputs(project)
    digest = stub.push("delight", "v1", {build.INPUTS_LABEL: inputs})
    [found] = plan(version="v1")["builds"]
    assert (found["digest"], found["wanted"]) == (digest, False)
    [found] = plan(version="v1", force=True)["builds"]
    assert found["wanted"] is True

    (project / "untracked").write_text("of no image")
    [found] = plan(version="v1")["builds"]
    assert (found["digest"], found["wanted"]) == (digest, False)
    (project / "backend/untracked").write_text("other source")
    [found] = plan(version="v1")["builds"]
    assert (found["digest"], found["wanted"]) == ("", True), "a tag of one's own follows the source"
    [found] = plan(version="v1", compare=False)["builds"]
    assert (found["digest"], found["wanted"]) == (digest, False)


def test_a_dirty_tree_has_a_tag_of_its_own(plan: Plan, project: Path) -> None:
    commit = build.tree(project).revision[:12]
    assert plan()["version"] == commit
    tags = []
    for file in ("untracked", "backend/Dockerfile"):
        for text in ("one", "two"):
            (project / file).write_text(text)
            tags.append(plan()["version"])
    assert all(re.fullmatch(rf"{commit}-dirty-[0-9a-f]{{8}}", tag) for tag in tags)
    assert len(set(tags)) == len(tags)


def test_a_folder_without_a_commit(plan: Plan, project: Path) -> None:
    (project / ".git").rename(project.parent / "elsewhere")
    message = refusal(plan())
    assert message.startswith(f"{project} has no git commit to name the version by")
    assert "-e version=<tag>" in message
    assert plan(version="v9")["version"] == "v9"


def test_a_source_elsewhere_names_the_version(plan: Plan, tmp_path: Path) -> None:
    source = tmp_path / "shop"
    (source / "backend").mkdir(parents=True)
    (source / "backend/Dockerfile").write_text("FROM scratch\nLABEL a=shop\n")
    commit_all(source)
    found = plan(source=str(source))
    revision = build.tree(source).revision
    assert found["version"] == revision[:12]
    argv = found["builds"][0]["argv"]
    assert argv[-1] == f"{source}/backend"
    assert f"org.opencontainers.image.revision={revision}" in argv


@pytest.mark.parametrize("tag", ["-v1", "a/b", "a:b", "x" * 129])
def test_a_tag_that_can_not_be(plan: Plan, tag: str) -> None:
    assert refusal(plan(version=tag)).startswith("version: is no tag")
    digest = f"sha256:{'1' * 64}"
    assert refusal(plan(version=digest)).endswith("under a tag, not under a digest")


def test_mistakes_are_named_all_at_once(plan: Plan, project: Path) -> None:
    described = {
        "api": {"contxt": "backend", "image": 3},
        "web": {"context": "no", "image": "x/y"},
        "job": "backend",
    }
    assert refusal(plan(images=described)).splitlines() == [
        "build_images.api: unknown key 'contxt'",
        "build_images.api.context: missing",
        "build_images.api.image: must be a text",
        f"build_images.web.context: there is no {project}/no/Dockerfile",
        "build_images.job: must be a mapping",
    ]


def test_a_wrong_password(plan: Plan, stub: StubRegistry) -> None:
    message = refusal(plan(password="not-the-word"))
    assert message.startswith(f"registry {stub.address} refuses the login 'builder' for delight; ")
    assert "not-the-word" not in message


def test_without_a_user_name_nothing_is_sent(plan: Plan) -> None:
    assert "refuses the login '(anonymous)'" in refusal(plan(username=""))


def test_a_registry_that_is_down_is_named(plan: Plan) -> None:
    with socket.socket() as silent:  # bound, so nobody else's, and it does not listen
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        described = {"api": {"context": "backend", "image": f"{address}/delight"}}
        message = refusal(plan(images=described))
    assert message == (
        f"registry {address} does not answer (ConnectionError); start it, or check `registry` and "
        "`registry_ca`"
    )


def test_a_foreign_certificate(plan: Plan, stub: StubRegistry) -> None:
    message = refusal(plan(registry_ca=""))
    assert message.startswith(f"registry {stub.address} does not answer (SSLError); ")
    assert stub.asked == []
