"""One host's agent, at the other end of a command: started, spoken to in JSON lines, and lost.

What leads there (`Connection`) is made of the inventory by `connection`; this only runs it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, cast

from delight import bundle

# For a host that is reached to start its agent, sudo and a cold Python included.
START_S = 30.0
# For a conversation that has ended to be over.
LEAVE_S = 10.0


@dataclass(frozen=True)
class Connection:
    """How a host is reached: `argv` starts Python there, and before it come the words of `become`.

    `password` answers `prompt`, where the host asks; `success` is printed once nobody asks any more.
    """

    argv: list[str]
    prompt: str = ""
    password: str = field(default="", repr=False)
    success: str = ""


class Lost(Exception):
    """The agent cannot be had, or is gone; the text says what was heard last."""


class Session:
    """The conversation with one agent; whatever it says goes to `heard` as (host, message).

    A message is what the agent says (see `host/agent`), or {"lost": reason} as the last one.
    """

    def __init__(
        self,
        host: str,
        connection: Connection,
        heard: queue.SimpleQueue[tuple[str, dict[str, Any]]],
    ) -> None:
        self.host = host
        self._connection = connection
        self._heard = heard
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as this)
        self._writing = threading.Lock()
        self._noise = ""  # what was printed last and is no message
        self.heard_s = time.monotonic()
        self._process = subprocess.Popen(
            connection.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if connection.prompt else self._errors,
            start_new_session=True,
        )
        self._in = cast(IO[bytes], self._process.stdin)
        self._out = cast(IO[bytes], self._process.stdout)

    def open(self) -> None:
        """Have the agent run; raises Lost."""
        guard = threading.Timer(START_S, self.kill)
        guard.start()
        try:
            if self._connection.prompt:
                self._answer_prompt()
            self._write(bundle.program())
            if self._hello() == bundle.WANT:
                self._write(bundle.code())
        except OSError:
            raise Lost(self._last_words()) from None
        except Lost:
            self.kill()
            raise
        finally:
            guard.cancel()
        threading.Thread(target=self._listen, daemon=True).start()

    def _answer_prompt(self) -> None:
        """Give the password when it is asked for. It may be asked for on either stream, or not at all."""
        said = b""
        while self._connection.success.encode() not in said:
            byte = self._out.read(1)
            if not byte:
                raise Lost(self._last_words(said.decode(errors="replace")))
            said += byte
            if said.endswith(self._connection.prompt.encode()):
                if self._connection.prompt in said[: -len(self._connection.prompt)].decode(
                    errors="replace"
                ):
                    raise Lost("the password for become is wrong")
                self._write(self._connection.password.encode() + b"\n")

    def _hello(self) -> str:
        for line in iter(self._out.readline, b""):
            if (said := line.decode(errors="replace").strip()) in (bundle.HAVE, bundle.WANT):
                self._noise = ""
                return said
            self._noise = said or self._noise
        raise Lost(self._last_words())

    def ask(self, act: str, params: Mapping[str, Any]) -> None:
        """Ask for an act; its outcome will be heard."""
        self._send({"act": act, "params": params})

    def beat(self) -> None:
        """Say that somebody is still here."""
        self._send({"beat": 1})

    def _send(self, what: Mapping[str, Any]) -> None:
        with suppress(OSError):  # the end of its output is heard too
            self._write(json.dumps(what).encode() + b"\n")

    def close(self) -> None:
        """End the conversation; the agent lets its host go and leaves."""
        with self._writing, suppress(OSError):  # it may have gone by itself
            self._in.close()
        try:
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        """End this side of it at once, whatever it has started too."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _listen(self) -> None:
        try:
            for line in iter(self._out.readline, b""):
                self._hear(line)
        finally:
            self._heard.put((self.host, {"lost": self._last_words()}))

    def _hear(self, line: bytes) -> None:
        """Pass on what is a message; whatever else is printed may be the last words."""
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict) or not said.keys() & {"beat", "progress", "outcome"}:
            self._noise = line.decode(errors="replace").strip() or self._noise
            return
        self.heard_s = time.monotonic()
        if "beat" not in said:
            self._heard.put((self.host, said))

    def _write(self, data: bytes) -> None:
        with self._writing:
            try:
                self._in.write(data)
                self._in.flush()
            except ValueError as error:  # closed
                raise OSError(str(error)) from error

    def _last_words(self, said: str = "") -> str:
        """The last line that came with the end."""
        try:
            status = self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            status = self._process.wait()
        self._errors.seek(0)
        said = "\n".join((self._noise, said, self._errors.read().decode(errors="replace")))
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return lines[-1] if lines else f"its connection ended with status {status}"
