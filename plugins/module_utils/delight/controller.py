"""Who runs a release: the process on this machine that others may have to wait for."""

from __future__ import annotations

import getpass
import os
import socket
from typing import Any

# The playbook's process; whoever acts for it from another one says so here.
playbook_pid = os.getpid()


def me() -> dict[str, Any]:
    """Who asks for this run, as hosts record it: {"name": user@machine, "pid": of the playbook}.

    For people only: whether it still lives is seen by the leases that it holds.
    """
    return {"name": f"{getpass.getuser()}@{socket.gethostname()}", "pid": playbook_pid}
