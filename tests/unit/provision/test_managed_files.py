"""The module that keeps folders and files, on a real file system."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SPEC = importlib.util.spec_from_file_location(
    "managed_files", ROOT / "plugins/modules/managed_files.py"
)
assert SPEC and SPEC.loader
module = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(module)


def item(path: Path, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "owner": os.getuid(), "group": os.getgid(), **more}


def test_a_file_is_written_once(tmp_path: Path) -> None:
    wanted = item(tmp_path / "a", content="text\n", mode="0600")
    first = module.keep_file(wanted, False, False)
    assert first["before"] == ""
    assert first["after"] == "text\n"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert module.keep_file(wanted, False, False) is None


def test_check_mode_tells_of_a_file_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    folder, file = tmp_path / "new", tmp_path / "new" / "a"
    assert module.keep_folder(item(folder), True)
    assert module.keep_file(item(file, content="x"), True, False)["after"] == "x"
    assert not folder.exists()


def test_a_wrong_mode_is_mended_and_shown(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "a").chmod(0o666)
    diff = module.keep_file(item(tmp_path / "a", content="x", mode="0644"), False, False)
    assert "mode 0666" in diff["before"]
    assert "mode 0644" in diff["after"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


@pytest.mark.promise("S3")
def test_a_secret_is_in_no_diff(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old-secret")
    diff = module.keep_file(item(tmp_path / "a", content="new-secret"), False, True)
    assert "-secret" not in str(diff)
    assert (tmp_path / "a").read_text() == "new-secret"


def test_what_its_validation_refuses_does_not_take_the_place(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("good")
    wanted = item(tmp_path / "a", content="bad", validate=["grep", "-q", "good", "%s"])
    with pytest.raises(module.Refused, match="grep -q good"):
        module.keep_file(wanted, False, False)
    assert (tmp_path / "a").read_text() == "good"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with (tmp_path / "a").open() as reader:
        module.keep_file(item(tmp_path / "a", content="new"), False, False)
        assert reader.read() == "old"


def test_what_runs_follows_the_file_though_a_run_dies_in_between(tmp_path: Path) -> None:
    told = tmp_path / "told"
    apply = ["sh", "-c", f"cat {tmp_path}/a >> {told}"]
    fails = item(tmp_path / "a", content="1\n", apply=["false"])
    with pytest.raises(module.Refused, match="a: false"):
        module.keep_file(fails, False, False)
    wanted = item(tmp_path / "a", content="1\n", apply=apply)
    assert module.keep_file(wanted, True, False), "check mode tells of it"
    assert not told.exists(), "and does nothing"
    assert module.keep_file(wanted, False, False)
    assert told.read_text() == "1\n"
    assert module.keep_file(wanted, False, False) is None
    assert {path.name for path in tmp_path.iterdir()} == {"a", "told"}
