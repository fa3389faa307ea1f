"""The versions of the test application, as data."""

from pathlib import Path

import pytest

from tests.fleet.support import versions


def test_a_build_names_version_behaviour_and_base() -> None:
    argv = versions.build_argv("never_healthy", "here:1")
    assert argv[:3] == ["build", "--quiet", "--tag=here:1"]
    assert "--build-arg=BEHAVIOUR=never_healthy" in argv
    assert "--build-arg=VERSION=v2" in versions.build_argv("v2", "here:1")
    assert f"--build-arg=BASE={versions.BASE}" in argv


def test_the_cache_key_is_the_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(versions, "APP", tmp_path)
    (tmp_path / "app.py").write_text("1")
    first = versions.content_hash("base")
    assert versions.content_hash("base") == first
    assert versions.content_hash("other base") != first
    (tmp_path / "app.py").write_text("2")
    assert versions.content_hash("base") != first
