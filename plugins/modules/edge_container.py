#!/usr/bin/python3
"""Ansible module: start the edge's container anew, with the host out of its pool and held meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.delight.host import command, store
from ansible.module_utils.delight.host.edge import Edge, EdgeError
from ansible.module_utils.delight.host.lease import Lease

DOCUMENTATION = r"""
module: edge_container
short_description: Start the edge's container anew, with the host out of its pool and held meanwhile
description:
  - Holds the host as a release does, so that neither disturbs the other, and refuses while one runs.
  - Takes the host out of its pool, waits until no request comes any more, has Compose replace the
    container, waits until the new one answers, and puts the host back. What an operator has taken out
    stays out.
options:
  project:
    description: Folder of the edge's Compose project.
    type: path
    required: true
  root:
    description: Root of the release engine on this host.
    type: path
    required: true
  drain_s:
    description: Bound in seconds for the wait until no request comes; 0 where nobody else would take them.
    type: int
    default: 0
"""

RETURN = r"""
quiet:
  description: Whether no request came any more when the container was replaced.
  type: bool
  returned: changed
"""

POLL_S = 0.2
ANSWER_S = 60.0
COMPOSE_S = 300.0


def answers(edge: Edge) -> bool:
    """Whether the edge answers at its socket."""
    try:
        edge.read_runtime()
    except EdgeError:
        return False
    return True


def replace(project: Path, edge: Edge, drain_s: int) -> bool:
    """Replace the container; whether no request came meanwhile."""
    still = False
    if drain_s and answers(edge):
        still = edge.leave_pool(drain_s)
    argv = ["docker", "compose", "--project-directory", str(project), "up", "--detach", "--wait"]
    ran = command.run(argv, COMPOSE_S)
    if ran.late or ran.status:
        raise EdgeError(f"the edge did not start: {' '.join(ran.lines()[-3:])}")
    deadline = time.monotonic() + ANSWER_S
    while not answers(edge):
        if time.monotonic() >= deadline:
            raise EdgeError(f"the edge has started and does not answer within {ANSWER_S:g} s")
        time.sleep(POLL_S)
    edge.join_pool()
    return still


def main() -> None:
    """Read the arguments, hold the host, replace the container, report."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "path", "required": True},
            "root": {"type": "path", "required": True},
            "drain_s": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True, quiet=True)
    root = Path(module.params["root"])
    lease = Lease(root)
    note = {"act": "replace", "run": "edge", "kind": "a change", "release": "the edge"}
    try:
        lease.take({**note, "by": "edge.yml", "once": False})
        still = replace(Path(module.params["project"]), Edge(root), module.params["drain_s"])
    except (store.Refused, EdgeError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, quiet=still)


if __name__ == "__main__":
    main()
