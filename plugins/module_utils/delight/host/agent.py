"""The conversation with a conductor: JSON lines in and out, one act at a time, the host held in between.

In:  {"act": name, "params": {…}} or {"beat": n}
Out: {"outcome": {…}} of each act in turn, {"progress": line} while one goes on, {"beat": n} for each beat

The conversation is the lease. When it ends, or has been silent for too long, the step that goes on is
finished and recorded, the host is let go, and the process ends. It decides nothing for the fleet.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import main as acts
from . import progress
from .lease import Lease

# A conductor beats every few seconds; one that has not for so long is gone, or cannot be heard.
SILENCE_S = 30.0
POLL_S = 1.0
# How long somebody looks at nothing new.
QUIET_S = 10.0


class Agent:
    """One conversation over `source` and `sink`, files of bytes."""

    def __init__(self, source: Any, sink: int) -> None:
        self._source, self._sink = source, sink
        self._asked: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._writing = threading.Lock()
        self._heard_s = time.monotonic()
        self._lease: Lease | None = None
        self._over = False

    def converse(self) -> None:
        """Perform what is asked for, until nobody asks any more."""
        threading.Thread(target=self._listen, daemon=True).start()
        while (asked := self._next()) is not None:
            params = asked["params"]
            self._lease = self._lease or Lease(Path(params["root"]))
            progress.step("")
            done = threading.Event()
            threading.Thread(target=self._tell, args=[asked["act"], done], daemon=True).start()
            outcome = acts.perform(asked["act"], params, self._lease)
            done.set()
            self._say({"outcome": outcome})
        if self._lease:
            self._lease.release()

    def _tell(self, act: str, done: threading.Event) -> None:
        """Say now and then what a long act is at."""
        began_s = time.monotonic()
        while not done.wait(QUIET_S):
            at = progress.now() or act
            self._say({"progress": f"{at}, {time.monotonic() - began_s:.0f} s so far"})

    def _next(self) -> dict[str, Any] | None:
        """What is asked for next; None at the end of the conversation."""
        while not self._over:
            try:
                return self._asked.get(timeout=POLL_S)
            except queue.Empty:
                if time.monotonic() - self._heard_s > SILENCE_S:
                    break
        return None

    def _listen(self) -> None:
        for line in iter(self._source.readline, b""):
            self._heard_s = time.monotonic()
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if "beat" in said:
                self._say(said)
            else:
                self._asked.put(said)
        # What was asked for and not begun is not begun any more.
        self._over = True
        if self._lease:
            self._lease.say(leaving=True)
        self._asked.put(None)

    def _say(self, what: dict[str, Any]) -> None:
        line = json.dumps(what).encode() + b"\n"
        try:
            with self._writing:
                while line:
                    line = line[os.write(self._sink, line) :]
        except OSError:
            pass  # nobody listens any more; the step goes on to its end


def main() -> None:
    """Converse over standard input and output; whatever else is printed goes to standard error."""
    sink = os.dup(1)
    os.dup2(2, 1)
    Agent(sys.stdin.buffer, sink).converse()
    # The thread that listens may wait in a read that cannot be ended.
    os._exit(0)
