"""A secret that is compromised leaves every host, and a rollback takes the current one in its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from delight.errors import ConfigError
from delight.host import envfile
from delight.release import secret_digest

from tests.simulation import invariants
from tests.simulation.breaking import BREAKS, broken, places, watch
from tests.simulation.fleet import SERVICES, WORK, Ended, Fleet
from tests.simulation.host import Host
from tests.unit.engine.conftest import KEY

pytestmark = pytest.mark.promise("S6")
OLD, NEW = "planted-old-value", "planted-new-value"
SERVED = {
    "api": {**SERVICES["api"], "secrets": ["DATABASE_URL", {"name": "TOKEN", "deliver": "env"}]},
    "web": {**SERVICES["api"], "routes": [{"path": "/web"}], "secrets": ["PLAIN"]},
    "work": {**WORK, "secrets": ["DATABASE_URL"]},
}
PLAIN = {"PLAIN": "of no interest"}
BEFORE: dict[str, Any] = {"secrets": {"DATABASE_URL": OLD, "TOKEN": f"{OLD}-token", **PLAIN}}
GIVEN_UP = {
    name: [secret_digest(KEY, name, BEFORE["secrets"][name])] for name in ("DATABASE_URL", "TOKEN")
}
AFTER: dict[str, Any] = {
    "secrets": {"DATABASE_URL": NEW, "TOKEN": f"{NEW}-token", **PLAIN},
    "compromised_secrets": GIVEN_UP,
}


def texts(host: Host) -> Iterator[str]:
    """Everything in files of a host."""
    return (
        path.read_bytes().decode(errors="replace")
        for path in host.root.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def has(host: Host, value: str) -> bool:
    """Whether a value is anywhere on a host: in a file, or with a container that was made with it."""
    in_release = {
        release: (host.root / f"releases/{release}/release.json").read_text()
        for release in host.kept
    }
    with_it = (
        one["mine"]["service"] != "web" and GIVEN_UP["DATABASE_URL"][0] in in_release[one["mine"]["release"]]
        for one in host.engine.containers.values()
    )  # fmt: skip
    return any(value in text for text in texts(host)) or (value == OLD and any(with_it))


@pytest.fixture
def leaked(make: Callable[..., Fleet]) -> Fleet:
    """A fleet with three releases that have the old value."""
    fleet = make("app1", "app2")
    fleet.services = SERVED
    for version in ("v1", "v2", "v3"):
        assert fleet.deploy(version, **BEFORE).outcome == "released"
    return fleet


def test_a_deploy_removes_it_everywhere_and_says_so(leaked: Fleet) -> None:
    kept = {host.state["live"] for host in leaked.hosts.values()}
    ended = leaked.deploy("v3", **AFTER)
    assert ended.outcome == "released", ended.result
    assert "    api: new slot green (other secret DATABASE_URL, TOKEN)" in ended.said
    assert any(
        line.endswith("loses DATABASE_URL, TOKEN, which is compromised") for line in ended.said
    )
    for host in leaked.hosts.values():
        assert not has(host, OLD)
        assert kept < host.kept, "the releases themselves stay"
        assert "delight-web-blue-1" in host.engine.running(), "what does not use it goes on"
        old = ("delight-api-blue", "delight-work-blue")
        assert not [name for name in host.engine.containers if name.startswith(old)]
    assert leaked.deploy("v3", **AFTER).outcome == "unchanged"
    invariants.at_rest(leaked.hosts, ended.result["to"])


def test_a_rollback_takes_the_current_one_and_says_so(leaked: Fleet) -> None:
    first, second, _ = ordered(leaked)
    new = leaked.deploy("v3", **AFTER).result["to"]
    back = leaked.run("rollback", **AFTER)
    assert back.outcome == "released", back.result
    now = str(back.result["to"])
    assert now.startswith("v2-") and now != second, "v3 with the current value is what is live"
    said = f"    {second} comes back with the current DATABASE_URL, TOKEN: its own value is compromised"
    assert said in back.said
    for host in leaked.hosts.values():
        assert not has(host, OLD)
        files = host.root / "releases" / now / "secrets"
        for service in ("api", "work"):
            assert (files / service / "DATABASE_URL").read_text() == NEW
        assert envfile.read((files / "api.env").read_text()) == {"TOKEN": f"{NEW}-token"}
        assert (files / "web/PLAIN").read_text() == PLAIN["PLAIN"]
    invariants.at_rest(leaked.hosts, now)
    assert (
        leaked.deploy("v2", **AFTER).outcome == "unchanged"
    ), "it is what a deploy would make of it"
    by_id = leaked.run("rollback", release=first, **AFTER)
    assert by_id.outcome == "released" and str(by_id.result["to"]).startswith("v1-")
    assert leaked.run("rollback", release=new, **AFTER).result["to"] == new


def ordered(fleet: Fleet) -> list[str]:
    """The releases of a fleet, oldest first."""
    return [entry["release"] for entry in fleet.hosts["app1"].state["history"]]


def test_only_what_is_given_up_is_replaced(leaked: Fleet) -> None:
    one = {**AFTER, "compromised_secrets": {"TOKEN": GIVEN_UP["TOKEN"]}}
    leaked.deploy("v3", **one)
    for host in leaked.hosts.values():
        assert not has(host, f"{OLD}-token")
        assert has(host, OLD)
    now = leaked.run("rollback", **one).result["to"]
    files = leaked.hosts["app2"].root / "releases" / str(now) / "secrets"
    assert (files / "api/DATABASE_URL").read_text() == OLD, "with its own settings and secrets"
    assert envfile.read((files / "api.env").read_text()) == {"TOKEN": f"{NEW}-token"}


def test_a_rollback_without_a_current_one_is_refused(leaked: Fleet) -> None:
    leaked.deploy("v3", **AFTER)
    leaked.services = {name: SERVED[name] for name in ("web",)}
    without = {**AFTER, "secrets": PLAIN}
    leaked.deploy("v4", **without)
    release = ordered(leaked)[0]
    refused = leaked.run("rollback", release=release, **without)
    assert refused.outcome == "refused"
    assert (
        f"release {release} needs DATABASE_URL, TOKEN, whose value there is compromised"
        in refused.text
    )
    assert "add it, or choose another release" in refused.text


def test_the_value_that_is_given_up_is_not_deployed(leaked: Fleet) -> None:
    with pytest.raises(
        ConfigError, match=r"secrets\.DATABASE_URL: is a value that was given up"
    ) as caught:
        leaked.deploy("v3", **{**BEFORE, "compromised_secrets": GIVEN_UP})
    assert OLD not in str(caught.value)


@pytest.mark.promise("R7")
def test_wherever_it_breaks_the_next_run_has_it_gone(
    leaked: Fleet, tmp_path: Path, every: bool
) -> None:
    def deploy(fleet: Fleet) -> Ended:
        return fleet.deploy("v3", **AFTER)

    for place in places(leaked, deploy, tmp_path / "dry")[:: 2 if every else 8]:
        for how in BREAKS if every else ["abandoned"]:
            found, _ = broken(leaked, deploy, place, how, tmp_path / "broken")
            watch(found)
            again = deploy(found)
            assert again.status == 0, f"{place}, {how}: {again.result}"
            assert not found.seen, f"{place}, {how}: {found.seen[0]}"
            for name, host in found.hosts.items():
                assert not has(host, OLD), f"{place}, {how}: {name} still has it"
            back = found.run("rollback", **AFTER)
            assert back.outcome == "released", f"{place}, {how}: {back.result}"
            shutil.rmtree(tmp_path / "broken")
