"""One act on this host: look up its function, hold the lease, journal it, answer with an outcome.

An outcome is {"outcome": "ok" | "failed" | "refused" | "busy" | "fenced" | "pending", "reason": one
line, "message": one line for the progress, …}. Nothing raises out of here: errors are data.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from . import docker, files, store
from .edge import EdgeError
from .lease import WAIT_S, Lease

Act = Callable[[store.Store, dict[str, Any]], dict[str, Any]]

# The module that holds the function of each act: a host imports what this act needs and no more.
ACTS = {
    "look": "look",
    "hold": "lease",
    "evict": "lease",
    "lock": "prepare",
    "export": "prepare",
    "prepare": "prepare",
    "migrate": "migrate",
    "stage": "stage",
    "switch": "switch",
    "workers": "stage",
    "seal": "switch",
    "settle": "switch",
    "undo": "switch",
    "forget": "switch",
    "sweep": "prune",
}
# Acts that do without the lease: one only reads, the other ends who holds it.
FREE = {"look", "evict"}
# Acts that do nothing, or that a timer runs each minute, would fill the journal with nothing.
UNJOURNALED = {"look", "hold", "sweep"}
# Acts that may wait for a container of their own.
ONE_OFF = {"prepare", "migrate"}


def perform(name: str, params: dict[str, Any], lease: Lease | None = None) -> dict[str, Any]:
    """Run the act `name`; `params["root"]` is the release folder.

    What holds `lease` goes on holding it afterwards; without one the host is held for this act alone.
    """
    root = Path(params["root"])
    mine = lease or Lease(root)
    at = store.Store(root, mine, params.get("host", ""))
    began = time.monotonic()
    try:
        if name not in FREE:
            mine.take(holder(name, params), params.get("wait_s", WAIT_S))
        outcome = guarded(function_of(name), at, params)
        outcome["took_s"] = round(time.monotonic() - began, 3)
        if name not in UNJOURNALED:
            at.journal(record(name, params, outcome))
    except store.Refused as refusal:
        outcome = {"outcome": refusal.outcome, "reason": str(refusal)}
    except OSError as error:
        outcome = {"outcome": "failed", "reason": f"{name}: {error}"}
    finally:
        if lease is None:
            mine.release()
    return outcome


def holder(name: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the lease says of an act; `params["by"]` is the owner of the conductor that asks for it."""
    run = params.get("run", {})
    return {
        "act": name,
        "run": run.get("id"),
        "kind": "recover" if "recovered_by" in params else run.get("kind"),
        "release": run.get("to"),
        "by": params.get("by"),
        "once": name in ONE_OFF,
    }


def function_of(name: str) -> Act:
    """The function that performs the act `name`."""
    found: Act = getattr(import_module(f".{ACTS[name]}", __package__), name)
    return found


def guarded(act: Act, at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """The act's outcome, with every error turned into one; of the unforeseen, no value is told."""
    try:
        return act(at, params)
    except store.Refused as refusal:
        return {"outcome": refusal.outcome, "reason": str(refusal)}
    except (docker.DockerError, EdgeError, files.Unreadable, OSError) as error:
        return {"outcome": "failed", "reason": str(error)}
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        return {"outcome": "failed", "reason": f"{type(error).__name__} in {place}"}


def record(name: str, params: dict[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    """The journal's line: who, what, for which release, how it ended, how long it took."""
    run = params.get("run", {})
    return {
        "act": name,
        "run": run.get("id"),
        "kind": run.get("kind"),
        "release": run.get("to"),
        "by": run.get("by", {}).get("name"),
        **({"skip_gate": True} if run.get("skip_gate") else {}),
        **{key: params[key] for key in ("recovered_by", "takeover") if key in params},
        "outcome": outcome["outcome"],
        "reason": outcome.get("reason", ""),
        "seconds": outcome["took_s"],
    }


def main() -> None:
    """For the host's own timer: `python3 agent.pyz sweep ROOT`. While a run goes on it has nothing to do."""
    name, root = sys.argv[1:]
    outcome = perform(name, {"root": root, "wait_s": 0})
    print(json.dumps(outcome))
    sys.exit(0 if outcome["outcome"] in ("ok", "busy") else 1)
