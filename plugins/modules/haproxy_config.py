#!/usr/bin/python3
"""Ansible module: keep HAProxy's configuration, and reload it without a lost request."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: haproxy_config
short_description: Keep HAProxy's configuration; validate, replace, reload, or leave all as it was
description:
  - Lets C(validate) read the new text before anything is replaced. Reloads through the master
    socket when a process answers there. A reload that fails puts the old text back, so that the
    file always says what the process does.
  - The text gets a name of its own, made of it and of the files in C(beside), which the process
    can be asked for. One that has loaded another, since a run died before its reload, is reloaded.
options:
  path:
    description: The configuration file. Owned by root, readable by C(group).
    type: path
    required: true
  content:
    description: Its text.
    type: str
    required: true
  group:
    description: Number of the group that reads it.
    type: int
    required: true
  validate:
    description: An argv in which C(%s) stands for the new file, which lies beside C(path).
    type: list
    elements: str
    required: true
  socket:
    description: HAProxy's master socket.
    type: path
    required: true
  admin:
    description: HAProxy's admin socket.
    type: path
    required: true
  beside:
    description: Files that the process reads with its configuration, as certificates; those that are there.
    type: list
    elements: path
    default: []
"""

RETURN = r"""
reloaded:
  description: Whether a running process took the configuration.
  type: bool
  returned: always
"""

TIMEOUT_S = 60
STARTING_S = 2
# How a configuration names itself, and how the process that has loaded it says the name.
NAMED = "global\n  set-var proc.config str({})\n\n"
LOADED = re.compile(rb"value=<(\w+)>")


class Refused(Exception):
    """What HAProxy does not accept, in its own words."""


def connected(client: socket.socket, path: Path) -> bool:
    """Connect; False where no process is. A master listens a moment after its workers do."""
    until = time.monotonic() + STARTING_S
    while True:
        try:
            client.connect(str(path))
            return True
        except FileNotFoundError:
            return False
        except ConnectionRefusedError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)


def ask(path: Path, command: bytes) -> bytes | None:
    """What the process behind a socket answers; None when none is there."""
    answer = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(TIMEOUT_S)
        if not connected(client, path):
            return None
        client.sendall(command + b"\n")
        client.shutdown(socket.SHUT_WR)
        while chunk := client.recv(65536):
            answer += chunk
    return answer


def name_of(content: str, beside: list[Path]) -> str:
    """A name for a configuration and what is read with it."""
    digest = hashlib.sha256(content.encode())
    for path in beside:
        digest.update(hashlib.sha256(path.read_bytes() if path.exists() else b"").digest())
    return digest.hexdigest()[:16]


def loaded(admin: Path, name: str) -> bool:
    """Whether the process has loaded the configuration of this name; where none runs there is nothing to load."""
    answer = ask(admin, b"get var proc.config")
    found = LOADED.search(answer or b"")
    return answer is None or (found is not None and found[1].decode() == name)


def reload(path: Path) -> bool:
    """Reload the process behind the master socket; False when none is there.

    Raises Refused with the reasons HAProxy gives.
    """
    answer = ask(path, b"reload")
    if answer is None:
        return False
    if b"Success=1" not in answer:
        raise Refused(f"the reload failed, the old configuration stays: {answer.decode().strip()}")
    return True


def validated(path: Path, content: str, group: int, argv: list[str]) -> Path:
    """Write the candidate beside `path` and let HAProxy read it; raises Refused."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        os.fchown(file.fileno(), 0, group)
        os.fchmod(file.fileno(), 0o640)
        file.flush()
        os.fsync(file.fileno())
    if argv:
        words = [name if word == "%s" else word for word in argv]
        ran = subprocess.run(words, capture_output=True, text=True, check=False)
        if ran.returncode:
            os.unlink(name)
            raise Refused(f"{path} was not replaced: {(ran.stderr + ran.stdout).strip()}")
    return Path(name)


def keep(module: AnsibleModule, path: Path, before: str | None, content: str) -> bool:
    """Replace the file where it differs and reload; True when a process was reloaded."""
    group = module.params["group"]
    if before != content:
        os.replace(validated(path, content, group, module.params["validate"]), path)
    try:
        return reload(Path(module.params["socket"]))
    except Refused:
        if before is not None and before != content:
            os.replace(validated(path, before, group, []), path)
        raise


def main() -> None:
    """Read the arguments, keep the configuration, report."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True},
            "group": {"type": "int", "required": True},
            "validate": {"type": "list", "elements": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "admin": {"type": "path", "required": True},
            "beside": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    before = path.read_text(encoding="utf-8") if path.exists() else None
    name = name_of(module.params["content"], [Path(one) for one in module.params["beside"]])
    content = NAMED.format(name) + module.params["content"]
    reloaded = False
    try:
        changed = before != content or not loaded(Path(module.params["admin"]), name)
        if changed and not module.check_mode:
            reloaded = keep(module, path, before, content)
    except (OSError, Refused) as error:
        module.fail_json(msg=str(error))
    headers = {"before_header": str(path), "after_header": str(path)}
    diff = headers | {"before": before or "", "after": content}
    module.exit_json(changed=changed, reloaded=reloaded, diff=diff if changed else {})


if __name__ == "__main__":
    main()
