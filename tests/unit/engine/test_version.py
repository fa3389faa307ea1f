"""The version of a working copy, where git does not tell it."""

from __future__ import annotations

from pathlib import Path

import pytest
from delight import version


def test_a_folder_without_a_commit_has_no_version(tmp_path: Path) -> None:
    with pytest.raises(version.NoVersion, match="give one with -e version=<tag>"):
        version.source_version(tmp_path)


@pytest.mark.promise("C10")
def test_a_git_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 600\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(version, "GIT_S", 0.1)
    with pytest.raises(version.NoVersion, match="has no git commit to name the version by"):
        version.source_version(tmp_path)
