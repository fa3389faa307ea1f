#!/usr/bin/python3
"""Ansible module: keep a set of folders and files on a host, in one call."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: managed_files
short_description: Keep a set of folders and files as declared, in one call
description:
  - Writes each file beside its place, flushed to disk, then renames it, so that a reader sees
    the old text or the new one and never half of one.
  - Check mode tells the truth on a bare host too, because folders and files are planned together.
  - Give C(no_log) to a task whose files hold secrets, and set O(secret) so that no diff has them.
options:
  folders:
    description: Folders, parents first. Keys C(path), C(mode) ("0755"), C(owner), C(group).
    type: list
    elements: dict
    default: []
  files:
    description: >-
      Files. Keys C(path), C(content), C(mode) ("0644"), C(owner), C(group), and C(validate), an
      argv in which C(%s) stands for the new file, and C(once), which leaves a file that is
      there to whoever owns its content. C(apply) is an argv that makes what runs follow the file
      that is now in its place; a run that died before it, or in it, is finished by the next one.
    type: list
    elements: dict
    default: []
  secret:
    description: Whether the diff says only that a file differs, and not how.
    type: bool
    default: false
notes:
  - C(owner) and C(group) are numbers (default 0), so that a user who exists only in a container
    can own a file.
"""

RETURN = r"""
paths:
  description: Paths of the folders and files that were changed, or would be.
  type: list
  elements: str
  returned: always
"""


class Refused(Exception):
    """A file that its own command, to validate or to apply it, does not accept."""


def attributes(item: dict[str, Any], mode: str) -> tuple[int, int, int]:
    """Return (mode, owner, group) that an item asks for."""
    return int(str(item.get("mode", mode)), 8), int(item.get("owner", 0)), int(item.get("group", 0))


def present(path: Path) -> tuple[int, int, int] | None:
    """Return (mode, owner, group) of what stands at `path`, None where nothing does."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_mode & 0o7777, found.st_uid, found.st_gid


def read(path: Path) -> str | None:
    """Return a file's text, None where there is no file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def as_text(wanted: tuple[int, int, int] | None) -> str:
    """Return mode and ownership as one line of a diff."""
    return "" if wanted is None else "mode {:04o} owner {} group {}\n".format(*wanted)


def write(path: Path, content: str, wanted: tuple[int, int, int], validate: list[str]) -> None:
    """Replace `path` at once by a file with this content, mode and owner.

    Raises Refused when `validate` ends with another status than 0.
    """
    mode, owner, group = wanted
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fchown(file.fileno(), owner, group)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        if validate:
            run(path, [name if word == "%s" else word for word in validate])
        os.replace(name, path)
    finally:
        if os.path.lexists(name):
            os.unlink(name)


def run(path: Path, argv: list[str]) -> None:
    """Run a command of the file at `path`; raises Refused when it ends with another status than 0."""
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Refused(f"{path}: {' '.join(argv)}: {(ran.stderr or ran.stdout).strip()}")


def keep_folder(item: dict[str, Any], check: bool) -> dict[str, str] | None:
    """Make or mend one folder; return its diff, None when it was right."""
    path, wanted = Path(item["path"]), attributes(item, "0755")
    before = present(path)
    if before == wanted:
        return None
    if not check:
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, wanted[1], wanted[2])
        path.chmod(wanted[0])
    return {"before_header": str(path), "after_header": str(path)} | {
        "before": as_text(before),
        "after": as_text(wanted),
    }


def keep_file(item: dict[str, Any], check: bool, secret: bool) -> dict[str, str] | None:
    """Write or mend one file; return its diff, None when it was right."""
    path, wanted, content = Path(item["path"]), attributes(item, "0644"), str(item["content"])
    before, old = present(path), read(path)
    apply, mark = list(item.get("apply", [])), path.with_name(f".{path.name}.unapplied")
    right = (before == wanted and old == content) or bool(before and item.get("once"))
    if right and not (apply and mark.exists()):
        return None
    if not check:
        if apply:
            mark.touch()
        if not right:
            write(path, content, wanted, list(item.get("validate", [])))
        if apply:
            run(path, apply)
            mark.unlink()
    headers = {"before_header": str(path), "after_header": str(path)}
    if old == content:
        return headers | {"before": as_text(before), "after": as_text(wanted)}
    if secret:
        return headers | {
            "before": "" if old is None else "(a secret)\n",
            "after": "(its new value)\n",
        }
    return headers | {"before": old or "", "after": content}


def main() -> None:
    """Read the arguments, keep the folders and files, report."""
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "dict", "default": []},
            "files": {"type": "list", "elements": "dict", "default": []},
            "secret": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    secret = module.params["secret"]
    diffs = []
    try:
        for folder in module.params["folders"]:
            diffs.append(keep_folder(folder, module.check_mode))
        for file in module.params["files"]:
            diffs.append(keep_file(file, module.check_mode, secret))
    except (OSError, Refused) as error:
        module.fail_json(msg=str(error))
    diffs = [diff for diff in diffs if diff]
    module.exit_json(
        changed=bool(diffs), diff=diffs, paths=[diff["after_header"] for diff in diffs if diff]
    )


if __name__ == "__main__":
    main()
