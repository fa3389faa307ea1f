"""Ansible's own look, but for a release: that one shows its phases, and its outcome once.

What goes wrong outside of the release (a task of the user's, a host that Ansible cannot reach, a template) is shown
as Ansible shows it, whatever the playbook.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback.default import CallbackModule as Default
from ansible.utils.display import Display

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import inputs, report

DOCUMENTATION = """
name: screen
type: stdout
short_description: Ansible's own look, without banners and `ok` lines for a release
description:
  - Playbooks of a release show no banners, no C(ok) lines and no recap, unless asked by C(-v).
  - What a task of the project fails with is left to callback C(outcome), which says it once.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""


class CallbackModule(Default):  # type: ignore[misc]
    """Loaded by ansible.cfg for every playbook."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "screen"
    _display: Any

    def __init__(self) -> None:
        super().__init__()
        self._quiet = False

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Of the tasks of a release, those that change something or fail are shown."""
        if Path(playbook._file_name).name in inputs.PLAYBOOKS:
            self._quiet = not self._display.verbosity
            form = constants.config.get_config_value(
                "output", plugin_type="callback", plugin_name="outcome"
            )
            if form == "json":
                self._display = Elsewhere(self._display)
                self.set_option("display_failed_stderr", True)
        if self._quiet:
            self.set_option("display_ok_hosts", False)
            self.set_option("display_skipped_hosts", False)
        super().v2_playbook_on_start(playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A play of a release has no banner."""
        if self._quiet:
            self._play = play
        else:
            super().v2_playbook_on_play_start(play)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """The outcome says so."""
        if not self._quiet:
            super().v2_playbook_on_no_hosts_matched()

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        """The outcome says why."""
        if not self._quiet:
            super().v2_playbook_on_no_hosts_remaining()

    def v2_runner_on_ok(self, result: Any) -> None:
        """What a `debug` of the user's says is shown."""
        if self._quiet:
            self.set_option("display_ok_hosts", self._run_is_verbose(result))
        super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """What the outcome will tell is not told here too."""
        if not report.told(result.task.action, result.result):
            super().v2_runner_on_failed(result, ignore_errors)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """A release's recap is its outcome."""
        if not self._quiet:
            super().v2_playbook_on_stats(stats)


class Elsewhere:
    """Ansible's display with all that it prints on standard error: standard output is for machines."""

    def __init__(self, display: Display) -> None:
        self._to = display

    def __getattr__(self, name: str) -> Any:
        return getattr(self._to, name)

    def display(self, *words: Any, **options: Any) -> None:
        """Print a line."""
        self._to.display(*words, **{**options, "stderr": True})

    def banner(self, *words: Any, **options: Any) -> None:
        """Print a line over the width of the screen."""
        Display.banner(self, *words, **options)
