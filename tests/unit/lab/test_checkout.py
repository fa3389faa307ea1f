"""Two checkouts on one machine: neither takes or removes the hosts of the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import checkout, cleaning, cli, lifecycle, paths, purge, shell
from lab.cgroups import Cgroups
from tests.unit.lab.stand_in import Engine

HOSTS = """\
all:
  children:
    {name}:
      vars:
        lab_network: {{name: demo-{name}, subnet: 10.99.{number}.0/24}}
      hosts:
        one: {{host_address: 10.99.{number}.11, ansible_port: 22{number}1}}
"""
LOCAL, STORIES = Path("inventories/local"), Path("tests/fleet/inventory")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    """The one engine of the machine, with plenty of memory for hosts."""
    stand_in = Engine()
    monkeypatch.setattr(shell, "attempt", stand_in.attempt)
    monkeypatch.setattr("lab.cgroups.detect", lambda: Cgroups(None))
    monkeypatch.setattr(lifecycle, "MEMORY_PER_HOST", 0)
    monkeypatch.setattr("lab.keys.ensure", lambda env: "ssh-ed25519 AAAA lab\n")
    monkeypatch.setattr("lab.images.ensure", lambda say=print: [])
    monkeypatch.setattr("lab.seeding.seed", lambda fleet: [])
    return stand_in


Work = Callable[[str], Path]


@pytest.fixture
def work(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Work:
    """Go to a checkout, which is made on first use: `work("first")` is its folder."""

    def go(name: str) -> Path:
        folder = tmp_path / name
        for number, place in enumerate((LOCAL, STORIES)):
            (folder / place).mkdir(parents=True, exist_ok=True)
            text = HOSTS.format(name=place.parts[1], number=number)
            (folder / place / "hosts.yml").write_text(text)
        (folder / ".lab").mkdir(exist_ok=True)
        monkeypatch.setattr(paths, "ROOT", folder)
        monkeypatch.setattr(paths, "LAB", folder / ".lab")
        monkeypatch.setattr(paths, "CHECKOUT", (folder / ".lab").resolve().parent)
        monkeypatch.setattr(paths, "IMAGE_TARS", folder / ".lab/images")
        monkeypatch.setattr(paths, "DOCKERD_PID", folder / ".lab/dockerd.pid")
        monkeypatch.chdir(folder)
        return folder

    return go


def lab(*words: str | Path) -> int:
    """A command of the lab in the folder of the checkout; its status."""
    return cli.main([str(word) for word in words])


def test_a_second_checkout_is_refused_before_anything_is_touched(
    engine: Engine, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    first = work("first")
    assert lab("up", LOCAL) == 0
    before = dict(engine.there)
    work("second")
    for verb in ("up", "secrets", "services", "local"):
        engine.said.clear()
        capsys.readouterr()
        tree = (LOCAL / "hosts.yml").read_text()
        registry = "lab_registry: 10.99.0.11:5000\n        lab_url: http://127.0.0.1:1\n"
        (LOCAL / "hosts.yml").write_text(
            tree.replace("lab_network", f"{registry}        lab_network", 1)
        )
        assert lab(verb, LOCAL) == 1
        said = capsys.readouterr().err
        (LOCAL / "hosts.yml").write_text(tree)
        assert f"the hosts of inventories/local belong to {first}: run `make clean` there" in said
        words = {line.split()[2] for line in engine.said}
        assert words <= {"version", "--format", "ls"}, engine.said
    assert engine.there == before
    assert not (LOCAL / "known_hosts").exists() and not Path(".vault").exists()


@pytest.mark.parametrize(
    "words", [("exec", LOCAL, "one", "true"), ("reboot", LOCAL, "one"), ("seed", LOCAL)]
)
def test_the_hosts_of_another_checkout_are_not_used_either(
    engine: Engine, work: Work, words: tuple[str | Path, ...]
) -> None:
    work("first")
    lab("up", LOCAL)
    work("second")
    assert lab(*words) == 1
    assert engine.running == {"demo-local-one"}


def test_environments_that_the_other_checkout_has_no_hosts_of_can_be_made(
    engine: Engine, work: Work
) -> None:
    work("first")
    assert lab("up", LOCAL) == 0
    work("second")
    assert lab("up", STORIES) == 0
    assert engine.names("container") == ["demo-fleet-one", "demo-local-one"]


def test_the_hosts_of_a_checkout_that_is_gone_are_made_anew_and_it_is_said(
    engine: Engine, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    first = work("first")
    lab("up", LOCAL)
    first.rename(first.with_name("moved"))
    second = work("second")
    assert lab("up", LOCAL) == 0
    assert f"removed the hosts of {first}, which is gone" in capsys.readouterr().out
    folders = {labels["delight.checkout"] for labels in engine.there.values()}
    assert folders == {str(second)} and len(engine.there) == 3


def test_a_folder_that_was_moved_and_linked_keeps_its_hosts(engine: Engine, work: Work) -> None:
    first = work("first")
    lab("up", LOCAL)
    first.rename(first.with_name("moved"))
    first.symlink_to(first.with_name("moved"))
    work("moved")
    before = dict(engine.there)
    assert lab("up", LOCAL) == 0
    assert engine.there == before


def test_a_folder_that_may_not_be_looked_into_is_not_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    made = checkout.Made("container", "demo-local-one", "/home/someone/app")
    assert made.gone
    monkeypatch.setattr(Path, "stat", refused)
    assert made.theirs and not made.gone


def test_hosts_made_before_a_checkout_was_noted_are_this_ones(engine: Engine, work: Work) -> None:
    work("first")
    lab("up", LOCAL)
    for labels in engine.there.values():
        del labels["delight.checkout"]
    assert lab("up", LOCAL) == 0
    lab("stop")
    assert not engine.running


def test_stop_takes_all_hosts_of_this_checkout_and_no_other(
    engine: Engine, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    work("first")
    lab("up", LOCAL)
    work("second")
    lab("up", STORIES)
    assert lab("stop") == 0
    assert engine.running == {"demo-local-one"}
    assert "stopped: demo-fleet-one (their data stays)" in capsys.readouterr().out
    work("first")
    assert lab("stop") == 0 and not engine.running
    lab("stop")
    assert "stopped: no host ran" in capsys.readouterr().out
    assert len(engine.there) == 6


def test_clean_removes_all_of_this_checkout_and_nothing_of_another(
    engine: Engine, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    first = work("first")
    lab("up", LOCAL)
    kept = dict(engine.there)
    work("second")
    lab("up", STORIES)
    (STORIES / "hosts.yml").unlink()  # its folder was renamed since
    capsys.readouterr()
    assert lab("clean") == 0
    assert engine.there == kept
    assert "removed 1 host: demo-fleet-one\n" in capsys.readouterr().out
    assert (first / LOCAL / "known_hosts").exists()
    assert lab("clean") == 0
    assert capsys.readouterr().out == "removed nothing: nothing was there\n"


def test_clean_of_an_environment_leaves_the_images_of_another_checkout(
    engine: Engine, work: Work
) -> None:
    fleet = "lab_registry: 10.99.0.11:5000\n        lab_network"
    engine.images = {"10.99.0.11:5000/app:1", "10.98.0.11:5000/app:1"}
    first = work("first")
    lab("up", LOCAL)
    second = work("second")
    for folder, left in ((second, 2), (first, 1)):
        work(folder.name)
        tree = (LOCAL / "hosts.yml").read_text()
        (LOCAL / "hosts.yml").write_text(tree.replace("lab_network", fleet, 1))
        assert lab("clean", LOCAL) == 0
        assert len(engine.images) == left


def test_what_was_left_half_made_is_removed(engine: Engine, work: Work) -> None:
    work("first")
    lab("up", LOCAL)
    del engine.there["container", "demo-local-one"]
    lab("clean")
    assert not engine.there


def test_clean_wakes_an_engine_only_where_the_lab_has_used_one(
    engine: Engine, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = work("first")
    lab("up", LOCAL)
    engine.runs = False
    started = []

    def start() -> None:
        started.append(True)
        engine.runs = True

    monkeypatch.setattr("lab.engine._start", start)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert lab("stop") == 0 and not started
    lab("clean")
    assert started and not engine.there
    engine.runs = False
    purge.purge()
    assert not (folder / ".lab").exists()
    assert lab("clean") == 0 and len(started) == 1


def test_purge_leaves_what_another_checkouts_hosts_use_and_says_so(
    engine: Engine, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.images = {"delight-lab/host:13", "somebodys/own:1"}
    first = work("first")
    lab("up", LOCAL)
    second = work("second")
    assert lab("purge") == 0
    assert f"images and engine stay: hosts of {first} use them" in capsys.readouterr().out
    assert len(engine.images) == 2 and not (second / ".lab").exists()
    work("first")
    assert lab("purge") == 1  # its own hosts are still there
    assert lab("clean") == lab("purge") == 0
    assert engine.images == {"somebodys/own:1"}


def test_what_was_removed_is_said_in_a_line_for_each_kind() -> None:
    removed = {"container": ["a"], "image": [f"i{n}" for n in range(10)]}
    assert cleaning.said(removed) == [
        "removed 1 host: a",
        "removed 10 images: i0, i1, i2, i3, i4, i5, i6, i7 and 2 more",
    ]
