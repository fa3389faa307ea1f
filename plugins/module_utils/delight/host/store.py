"""What a host knows of its releases: `state.json`, the journal and the kept releases.

state.json:
    layout    int, the format of this file; an older engine refuses a newer one
    live      id of the release this host serves, or null
    slots     {service: {"live": "blue"|"green"|null, "blue": id|null, "green": id|null}}
    history   [{"release": id, "good": bool, "since": UTC}], oldest first
    run       the open run, or null: {"id", "kind", "by", "from", "to" (null: the host leaves), "phase",
              "skip_gate": only if true, "before": {map},
              "after": {map}, "slots": {service: slot to be live},
              "workers": whether services without a port move after the traffic,
              "staged": [{"service", "slot", "was": id, "how", "restarted": {container: count}}],
              "moved": [worker services], "ended": [services that were to start on another host],
              "started": UTC}
    last      the run that closed last: {"id", "release", "outcome", "time"} or null
    cool      [{"service", "slot", "at": seconds on this host's boot clock, "boot": boot id}]
    images    images of releases that went, still to be removed
    fleet     names of all hosts of the environment, as the last release had them
    forgotten {kept release: secrets whose compromised value was removed from its files}
"""

from __future__ import annotations

import copy
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import files, serving

if TYPE_CHECKING:
    from .lease import Lease

LAYOUT = 1
# The format of a release. In those of layout 1 the compose services of both slots have the same names.
RELEASE_LAYOUT = 2
SLOTS = ("blue", "green")
EMPTY: dict[str, Any] = {
    "layout": LAYOUT,
    "live": None,
    "slots": {},
    "history": [],
    "run": None,
    "last": None,
    "cool": [],
    "images": [],
    "fleet": [],
    "forgotten": {},
}


class Refused(Exception):
    """This act must not go on; `outcome` says in one word why, the text in one line."""

    def __init__(self, outcome: str, text: str) -> None:
        super().__init__(text)
        self.outcome = outcome


class Store:
    """The release folder of one host, as the holder of `lease` sees it."""

    def __init__(self, root: Path, lease: Lease, host: str = "") -> None:
        """`host` is its name in the inventory; what makes no containers does without."""
        self.root = root
        self.app = root.name  # the name of all that the application has on this host
        self.host = host
        self.lease = lease
        self.releases = root / "releases"
        self.state_file = root / "state.json"

    def load(self) -> dict[str, Any]:
        """The recorded state; a host without one, and without a trace of a release, is new."""
        state = files.read_json(self.state_file)
        if state is None:
            if traces := serving.traces(self.root):
                raise Refused("refused", self._lost(traces))
            return copy.deepcopy(EMPTY)
        if not isinstance(state, dict) or "layout" not in state:
            raise Refused("refused", f"{self.state_file} is no state of a host; {files.PUT_BACK}")
        if state["layout"] > LAYOUT:
            raise Refused(
                "refused",
                f"{self.state_file} has layout {state['layout']}, this engine knows {LAYOUT}: "
                "deploy with the newer version of this project",
            )
        found: dict[str, Any] = {**copy.deepcopy(EMPTY), **state}
        return found

    def _lost(self, traces: list[str]) -> str:
        """What to do about a state that is gone while something of a release is here."""
        map_file = self.root / "edge" / "live.map"
        made = serving.containers(self.root)
        remove = f"`docker rm -f {' '.join(made)}`, " if made else ""
        return (
            f"{self.state_file} is missing, but {'; '.join(traces)}. What serves goes on serving, and "
            f"nothing is changed without the state. Put {self.state_file} back, from this host's "
            "backup or from where it was moved to, and run status.yml. Only if this host may stop "
            f"serving, start it afresh: on it, run {remove}`: > {map_file}` and "
            f"`docker restart {self.app}-edge`, then deploy"
        )

    def save(self, state: dict[str, Any]) -> None:
        """Record `state` durably, before the act it announces."""
        text = json.dumps(state, indent=1, sort_keys=True) + "\n"
        files.write_atomic(self.state_file, text.encode(), mode=0o600)

    def own(self, run_id: str) -> dict[str, Any]:
        """The state, if the open run is `run_id`; otherwise somebody else has taken over."""
        state = self.load()
        run = state["run"]
        if run is None or run["id"] != run_id:
            raise Refused("fenced", f"{taken_over(state, run_id)}; nothing was touched")
        return state

    def phase(self, state: dict[str, Any], phase: str, **changes: Any) -> None:
        """Record that the open run enters `phase`."""
        state["run"].update(phase=phase, **changes)
        self.save(state)

    def close(self, state: dict[str, Any], outcome: str) -> None:
        """End the open run with `outcome`."""
        run = state["run"]
        state["last"] = {
            "id": run["id"],
            "release": run["to"],
            "outcome": outcome,
            "time": now(),
        }
        state["run"] = None
        self.save(state)

    def kept(self) -> list[str]:
        """Names of all release folders on this host, whole or not; a half-written one does not count."""
        found = self.releases.iterdir() if self.releases.is_dir() else []
        return sorted(folder.name for folder in found if not folder.name.startswith("."))

    def manifests(self) -> dict[str, Any]:
        """{id: manifest} of every release kept on this host; one that can't be read is no release."""
        found = {release: manifest_in(self.releases / release) for release in self.kept()}
        return {release: manifest for release, manifest in found.items() if manifest is not None}

    def manifest(self, release: str) -> dict[str, Any]:
        """The manifest of a kept release."""
        manifest = manifest_in(self.releases / release)
        if manifest is None:
            raise Refused("refused", f"release {release} is not kept in {self.releases}")
        return manifest

    def journal(self, record: dict[str, Any]) -> None:
        """Append one line for people and audits; never a secret."""
        line = json.dumps({"time": now(), **record}, sort_keys=True) + "\n"
        fd = os.open(self.root / "journal.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(fd, line.encode())
            os.fsync(fd)
        finally:
            os.close(fd)


def manifest_in(folder: Path) -> dict[str, Any] | None:
    """The manifest of a release's folder; None where there is none, or none that can be read."""
    try:
        found: dict[str, Any] | None = files.read_json(folder / "release.json")
    except files.Unreadable:
        return None
    return found


def owner(by: dict[str, Any]) -> str:
    """Who holds a run, as others have to name it: user, machine and process."""
    return f"{by['name']}:{by['pid']}"


def taken_over(state: dict[str, Any], run_id: str) -> str:
    """What became of a run that is not open on this host any more."""
    run, last = state["run"], state["last"]
    if run is not None:
        return (
            f"this run was taken over: {run['kind']} of {run['to']} by {owner(run['by'])} is open"
        )
    if last and last["id"] == run_id:
        return f"this run was taken over and ended as {last['outcome']}"
    return f"this run was taken over; {state['live'] or 'nothing'} is live now"


def now() -> str:
    """UTC, ISO 8601 with a Z, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def boot() -> tuple[str, float]:
    """(id of this boot, seconds since it): the only clock that two acts of a host may compare."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return boot_id, time.clock_gettime(time.CLOCK_BOOTTIME)
