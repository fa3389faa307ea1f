"""The versions of the test application, as data."""

from pathlib import Path

import pytest

from tests.fleet.support import images


def test_a_build_names_version_behaviour_and_base() -> None:
    argv = images.build_argv("never_healthy", "here:1")
    assert argv[:3] == ["build", "--quiet", "--tag=here:1"]
    assert "--build-arg=BEHAVIOUR=never_healthy" in argv
    assert "--build-arg=VERSION=v2" in images.build_argv("v2", "here:1")
    assert f"--build-arg=BASE={images.BASE}" in argv


def test_the_cache_key_is_the_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(images, "APP", tmp_path)
    (tmp_path / "app.py").write_text("1")
    first = images.content_hash("base")
    assert images.content_hash("base") == first
    assert images.content_hash("other base") != first
    (tmp_path / "app.py").write_text("2")
    assert images.content_hash("base") != first
