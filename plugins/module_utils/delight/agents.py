"""The real fleet: a session with an agent on every host, opened when a host is first asked for something.

An agent that is gone is started anew when its host is asked again; what it had not answered has failed.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from delight.decide import Outcome, Params
from delight.events import Tell
from delight.session import Connection, Lost, Session

# How often agents are told that somebody is still here, and for how long they may be silent.
BEAT_S = 5.0
SILENCE_S = 30.0


class Agents:
    """All application hosts of the environment: {host: how it is reached}; `chosen` are those of --limit.

    `tell` gets the events of the run, `stopped` says what has asked the run to end, `forks` bounds how many
    connections are made at once.
    """

    def __init__(
        self,
        connections: Mapping[str, Connection],
        chosen: list[str],
        tell: Tell,
        stopped: Callable[[], str],
        forks: int,
    ) -> None:
        self.everyone = sorted(connections)
        self.chosen = sorted(chosen)
        self.tell = tell
        self.stop = stopped
        self._connections = connections
        self._forks = forks
        self._sessions: dict[str, Session] = {}
        self._opening: dict[str, Future[str]] = {}  # {host: why it cannot be reached, or nothing}
        self._heard: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._proceed = threading.Event()
        self._proceed.set()
        threading.Thread(target=self._beat, daemon=True).start()

    def connect(self) -> None:
        """Begin to make the way to every host; no agent starts before `proceed`."""
        self._proceed.clear()
        self._opening = self._begin(self.everyone)

    def proceed(self) -> None:
        """Have the agents start; whoever asks a host first waits for its own."""
        self._proceed.set()

    def ask(self, act: str, params: Params) -> dict[str, Outcome]:
        """The outcome of each host that is asked; all work at once."""
        self.tell({"event": "asked", "act": act, "hosts": sorted(params)})
        outcomes: dict[str, Outcome] = self._open(act, sorted(params))
        waiting = set(params) - set(outcomes)
        for host in sorted(waiting):
            self._sessions[host].ask(act, params[host])
        while waiting:
            self._end_silent(waiting)
            try:
                host, said = self._heard.get(timeout=BEAT_S)
            except queue.Empty:
                continue
            if "lost" in said:
                self._sessions.pop(host, None)
            if host not in waiting:
                continue
            if "progress" in said:
                self.tell({"event": "progress", "host": host, "text": said["progress"]})
                continue
            outcomes[host] = understood(act, said)
            waiting.discard(host)
            self._answered(act, host, outcomes[host])
        return outcomes

    def close(self) -> None:
        """End all conversations; every agent lets its host go."""
        self._ended.set()
        self._proceed.set()
        for opening in self._opening.values():
            if not opening.cancel():
                opening.result()
        if self._sessions:
            with ThreadPoolExecutor(len(self._sessions)) as pool:
                list(pool.map(Session.close, self._sessions.values()))
        self._sessions.clear()

    def _open(self, act: str, hosts: list[str]) -> dict[str, Outcome]:
        """Start the agents that are not there; the outcome of hosts that cannot be reached."""
        while True:  # what was lost between two acts
            try:
                host, said = self._heard.get_nowait()
            except queue.Empty:
                break
            if "lost" in said:
                self._sessions.pop(host, None)
        begun = {host: self._opening.pop(host) for host in hosts if host in self._opening}
        begun |= self._begin([h for h in hosts if h not in self._sessions and h not in begun])
        lost: dict[str, Outcome] = {}
        for host, opening in sorted(begun.items()):
            if why := opening.result():
                lost[host] = {"outcome": "unreachable", "reason": f"cannot be reached: {why}"}
                self._answered(act, host, lost[host])
        return lost

    def _begin(self, hosts: list[str]) -> dict[str, Future[str]]:
        """Start agents, as many at once as there may be forks."""
        if not hosts:
            return {}
        pool = ThreadPoolExecutor(self._forks)
        begun = {host: pool.submit(self._start, host) for host in hosts}
        pool.shutdown(wait=False)
        return begun

    def _start(self, host: str) -> str:
        """Start the agent of one host; why it cannot be reached, or nothing."""
        try:
            session = Session(host, self._connections[host], self._heard)
            self._proceed.wait()
            if self._ended.is_set():
                session.kill()
                return "nothing is asked of it any more"
            session.open()
        except (Lost, OSError) as error:
            return str(error)
        self._sessions[host] = session  # from now on it is told that somebody is here
        return ""

    def _answered(self, act: str, host: str, outcome: Outcome) -> None:
        said = {key: outcome[key] for key in ("outcome", "reason", "message") if key in outcome}
        self.tell({"event": "answered", "act": act, "host": host, **said})

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            for session in list(self._sessions.values()):
                with suppress(OSError):
                    session.beat()

    def _end_silent(self, waiting: set[str]) -> None:
        """End sessions that nothing was heard of for too long: the link may be half open."""
        for host in waiting:
            session = self._sessions.get(host)
            if session and time.monotonic() - session.heard_s > SILENCE_S:
                session.kill()


def understood(act: str, said: Mapping[str, Any]) -> Outcome:
    """The outcome in what an agent has said in the end; whatever is none is a failure of its host."""
    outcome = said.get("outcome")
    if isinstance(outcome, dict) and isinstance(outcome.get("outcome"), str):
        return outcome
    heard = said.get("lost", "what it answered is none")
    return {"outcome": "failed", "reason": f"{act} gave no outcome: {heard}"}
