#!/usr/bin/python3
"""Ansible module: refuse a folder on a host that belongs to another environment."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.delight.host import owner

DOCUMENTATION = r"""
module: folder_owner
short_description: Refuse a folder on a host that belongs to another environment
description:
  - Reads the file C(environment) in the folder, which has the name of one environment. A folder without
    it is nobody's.
  - Changes nothing.
options:
  folder:
    description: What one environment keeps on this host.
    type: path
    required: true
  environment:
    description: Name of the environment that wants it.
    type: str
    required: true
  host:
    description: Name of the host, for the message.
    type: str
    required: true
  way_out:
    description: What to do about a folder of another environment; by default that of the release engine.
    type: str
"""

RETURN = r"""
owner:
  description: The environment that the folder belongs to; empty where it is nobody's.
  type: str
  returned: success
"""


def main() -> None:
    """Read the arguments, look, refuse or report."""
    module = AnsibleModule(
        argument_spec={
            "folder": {"type": "path", "required": True},
            "environment": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "way_out": {"type": "str", "default": owner.ELSEWHERE},
        },
        supports_check_mode=True,
    )
    folder = Path(module.params["folder"])
    theirs = owner.refusal(folder, module.params["environment"], module.params["way_out"])
    if theirs:
        module.fail_json(msg=f"{module.params['host']}: {theirs}.")
    module.exit_json(changed=False, owner=owner.owner(folder) or "")


if __name__ == "__main__":
    main()
