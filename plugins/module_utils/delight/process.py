"""The conductor's process: one for a playbook's whole run, whatever becomes of the playbook.

Each task asks for a phase; when the playbook ends, in whatever way, what it has begun is brought to an end.
SIGTERM, SIGINT and SIGHUP ask it to stop at the next step, SIGQUIT ends it at once: agents finish the step
they are in, and the next run ends what is left.

Run as `python -m delight.process PID FOLDER`, the playbook's.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection as Channel
from multiprocessing.connection import Listener
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from delight import controller, decide, errors, inputs, link, report, results
from delight.agents import Agents
from delight.errors import ConfigError
from delight.events import Event, Tell, Teller
from delight.session import Connection

if TYPE_CHECKING:
    from delight.conductor import Run

Answer = dict[str, Any]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A look at every host that is no run.
STATUS = "status"
# Kinds that need no valid configuration of the application.
UNCONFIGURED = ("recover", "retire", STATUS)
# The phases that a run is owed, however its playbook ends.
ENDING = ("settle", "put_back", "report")


class Conductor:
    """What the phases of one playbook share."""

    def __init__(self, playbook_pid: int) -> None:
        self._playbook = os.pidfd_open(playbook_pid)
        self._stop = ""
        self._tell: Tell = lambda event: None
        self._agents: Agents | None = None
        self._run: Run | None = None
        self._teller = Teller(self._pass_on)
        self._done = 0  # phases of the run that have had their turn
        self._published: dict[str, Any] = {}  # its outcome, once it has one
        self._over = False

    # -- what asks a run to end

    def signalled(self, number: int, frame: FrameType | None) -> None:
        """Stop at the next step."""
        self._stop = self._stop or f"{signal.Signals(number).name} asked for it"

    def stopped(self) -> str:
        """What has asked the run to end, or nothing."""
        if not self._stop and select.select([self._playbook], [], [], 0)[0]:
            self._stop = "the playbook was ended"
        return self._stop

    # -- the conversation with the playbook

    def serve(self, listener: Listener, socket: int) -> None:
        """Answer until the playbook has ended, in whatever way."""
        while not self._over:
            ready, _, _ = select.select([socket, self._playbook], [], [])
            if socket in ready:
                with listener.accept() as playbook:
                    self._answer(playbook)
            else:
                self._over = True
                if word := self._end("the playbook was ended"):
                    print(report.summary(word), file=sys.stderr, flush=True)

    def _answer(self, playbook: Channel) -> None:
        def tell(event: Event) -> None:
            with suppress(OSError):  # nobody may listen any more; the run goes on
                playbook.send(("event", dict(event)))

        self._tell = tell
        try:
            word, said = playbook.recv()
        except (EOFError, OSError):
            return
        if word == "end":
            self._over = True
            answer = self._end("the playbook ended before it was through")
        else:
            answer = self._survive(said)
        with suppress(OSError):
            playbook.send(("answer", answer))

    def _survive(self, said: Mapping[str, Any]) -> Answer:
        """A phase; an error around it is the run's, which goes no further and is put back in the end."""
        try:
            return self._phase(said)
        except Exception as error:
            why = errors.cause(error)
            if self._run is not None and self._run.result is None:
                self._run.broken_off({"conductor": why})
            return {"over": True, "failed": True, "msg": why}

    def _phase(self, said: Mapping[str, Any]) -> Answer:
        """Run the phases up to the one that a task names, with those before it that were skipped.

        `said` is {"phase", "failed": {host: why it has dropped out}} and, in the first one or where it was asked for,
        {"inputs": {"kind", "check_mode", "values": {variable: value}, "connections": {host: Connection}, "chosen":
        [host], "forks"}}. The answer is {"over": whether nothing is left to do, "failed", "msg"}.
        """
        if self._run is None or (said["phase"] in inputs.FIRST and self._run.result is not None):
            if "inputs" not in said:
                return {"inputs": True}
            if self._run is not None and (word := self._end("")):  # an earlier play's
                self._tell(word)
            try:
                self._run = self._begin(**said["inputs"])
            except ConfigError as error:
                return {"over": True, **report.refused(error.mistakes)}
        run = self._run
        if said["failed"] and run.result is None:
            run.broken_off(said["failed"])
        if said["phase"] == STATUS:
            looks = run.look()
            for host, look in sorted(looks.items()):
                self._tell({"event": "status", "host": host, **report.standing(look)})
            for line in conductor().planning.who_left(looks):
                self._tell({"event": "note", "text": line})
            return {"over": True, "failed": False}
        phases = conductor().PHASES
        while self._done <= phases.index(said["phase"]):
            run.phase(phases[self._done])
            self._done += 1
        outcome = run.result["outcome"] if run.result else ""
        failed = bool(outcome) and decide.EXIT_STATUS[outcome] != 0
        return {"over": bool(outcome), "failed": failed, "msg": outcome}

    def _begin(
        self,
        kind: str,
        check_mode: bool,
        values: dict[str, Any],
        connections: Mapping[str, Connection],
        chosen: list[str],
        forks: int,
    ) -> Run:
        self._run, self._done, self._published = None, 0, {}
        self._teller = Teller(self._pass_on)
        # The way to the hosts takes as long as reading the rest of this program; none is told anything yet.
        self._agents = agents = Agents(connections, chosen, self._teller.tell, self.stopped, forks)
        agents.connect()
        try:
            self._check(kind, check_mode, values)
        except Exception:
            agents.close()
            raise
        agents.proceed()
        if kind != STATUS:
            self._teller.tell(begins(kind, check_mode, values, agents.chosen))
        value = values.__getitem__
        ask = None
        if kind in ("deploy", "migrate"):  # the registry is asked while the hosts are looked at
            ask = ThreadPoolExecutor(1).submit(conductor().wanted.resolve, value).result
        run: Run = conductor().Run(kind, self._agents, value, check_mode, ask)
        return run

    def _pass_on(self, event: Event) -> None:
        self._tell(event)  # to whichever task listens by then

    def _check(self, kind: str, check_mode: bool, values: Mapping[str, Any]) -> None:
        """Refuse a wrong configuration before any host is asked anything."""
        if kind not in UNCONFIGURED:
            from delight import config

            config.check(values.__getitem__, with_settings=kind != "rollback")
        if not check_mode:
            results.try_file(str(values["result_file"]))

    def _end(self, why: str) -> Answer:
        """Bring to an end what was begun; the run's outcome, or {} where there is no run."""
        run = self._run
        if run is None or self._agents is None:
            return {}
        if not self._published:
            if run.result is None:
                self._stop = self._stop or why
            for phase in conductor().PHASES[self._done :]:
                if phase in ENDING and run.kind != STATUS:
                    run.phase(phase)
            self._published = {} if run.kind == STATUS else self._publish(run)
            self._agents.close()
        return self._published

    def _publish(self, run: Run) -> Answer:
        try:
            path = "" if run.check_mode else str(run.value("result_file"))
            seconds = self._teller.seconds
            return results.publish(run.report(), run.hosts.chosen, path, seconds)
        except Exception as error:
            return report.no_outcome(errors.cause(error))


def begins(
    kind: str, check_mode: bool, values: Mapping[str, Any], hosts: list[str]
) -> dict[str, Any]:
    """The event of a run that begins."""
    asked = {"deploy": "version", "migrate": "version", "rollback": "release"}.get(kind)
    return {
        **{"event": "run", "kind": kind, "environment": str(values["env_name"])},
        **{"version": str(values[asked]) if asked else "", "hosts": hosts, "check": check_mode},
    }


def conductor() -> ModuleType:
    """The sequence; read late, see `_begin`."""
    from delight import conductor

    return conductor


def main(playbook_pid: int, folder: Path) -> None:
    """Listen where the playbook's processes look."""
    try:
        served = Conductor(playbook_pid)
        if folder.name != link.name(playbook_pid):
            raise ProcessLookupError
    except (ProcessLookupError, FileNotFoundError):  # it has ended before anybody could listen
        shutil.rmtree(folder, ignore_errors=True)
        return
    controller.playbook_pid = playbook_pid
    for number in SIGNALS:
        signal.signal(number, served.signalled)
    signal.signal(signal.SIGQUIT, lambda number, frame: at_once(folder))
    (folder / "pid").write_text(str(os.getpid()))
    listener = Listener(str(folder / "socket"), "AF_UNIX")
    try:
        served.serve(listener, listener._listener._socket.fileno())  # type: ignore[attr-defined]
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


def at_once(folder: Path) -> None:
    """End without another word to any host."""
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
