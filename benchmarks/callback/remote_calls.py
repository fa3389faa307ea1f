"""Counts the remote calls of a run, per host, into the file that REMOTE_CALLS_FILE names."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: remote_calls
type: aggregate
short_description: Counts remote calls per host
description: [Counts every act that was really sent to a host.]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Loaded by the benchmarks only."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "remote_calls"

    def __init__(self) -> None:
        super().__init__()
        self._calls: Counter[str] = Counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.task.action == "act":
            self._calls[result.host.get_name()] += 1

    def v2_playbook_on_stats(self, stats: Any) -> None:
        Path(os.environ["REMOTE_CALLS_FILE"]).write_text(json.dumps(self._calls))
