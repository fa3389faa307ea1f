"""The gate: what every replica of a new slot must show before it gets traffic."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from . import docker, progress

# How often a replica is asked while it starts, and how often its container is looked at.
POLL_S = 0.02
WATCH_S = 0.1
# A replica is on this host: what does not connect at once is gone, or about to be.
CONNECT_S = 0.25
# For an answer, where the release was made before its `health.answer` stood in it.
ANSWER_S = 2.0
# What Docker gives a health command whose image says nothing.
HEALTH_S = 30.0


class Answer(NamedTuple):
    """One probe: the status and what came with it, or the error that came instead.

    `slow` is one that connected, and had no whole answer in time.
    """

    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = MappingProxyType({})
    error: str = ""
    slow: bool = False

    def text(self) -> str:
        """For a person, in one line."""
        if self.status is None:
            return f"no answer ({self.error})" if self.error else "no answer"
        return f"{self.status} {self.body.strip()}"


class Bounded(socket.socket):
    """A connection whose whole answer has a bound, however slowly its bytes trickle."""

    deadline: float

    def recv_into(self, *args: Any) -> int:
        self.settimeout(max(0.001, self.deadline - time.monotonic()))
        return super().recv_into(*args)


def probe(
    address: str,
    port: int,
    path: str,
    host: str,
    timeout_s: float,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """Ask the replica itself, not through the edge; the answer is whole within `timeout_s`."""
    connection = http.client.HTTPConnection(address, port)
    connection.sock = Bounded(socket.AF_INET, socket.SOCK_STREAM)
    connection.sock.deadline = time.monotonic() + timeout_s
    connection.sock.settimeout(min(CONNECT_S, timeout_s))
    connected = False
    try:
        connection.sock.connect((address, port))
        connected = True
        fields = {"Host": host, "Connection": "close", **headers}
        connection.request("GET", path, headers=fields)
        answer = connection.getresponse()
        body = answer.read(65536).decode(errors="replace")
        said = {key.lower(): value for key, value in answer.getheaders()}
        return Answer(answer.status, body, said)
    except (OSError, http.client.HTTPException) as error:
        slow = connected and isinstance(error, TimeoutError)
        return Answer(error=f"{type(error).__name__}: {error}", slow=slow)
    finally:
        connection.close()


def identity(answer: Answer, where: str) -> str | None:
    """The release an answer says it comes from; `where` is `json:<key>`, `header:<name>` or `none`."""
    kind, _, name = where.partition(":")
    if kind == "header":
        return answer.headers.get(name.lower())
    try:
        found = json.loads(answer.body)
        for key in name.split("."):
            found = found[key]
    except (ValueError, KeyError, TypeError):
        return None
    return str(found)


def judge(answer: Answer, health: dict[str, Any], release: str) -> str:
    """`pass`, `wait` (not there yet) or `wrong` (a good answer, but of another release)."""
    if answer.status != health["status"]:
        return "wait"
    if health["release"] == "none":
        return "pass"
    return "pass" if identity(answer, health["release"]) == release else "wrong"


def pass_http(replica: dict[str, Any], health: dict[str, Any], release: str) -> dict[str, Any]:
    """Gate one replica with a port.

    `replica` is {"id", "name", "address", "restarted"}. The result is {"passed", "event", "reason", "answer",
    "seconds"}; `event` is one of passed, exited, wrong_release, timeout.
    """
    began = time.monotonic()
    deadline = began + health["timeout_s"]
    answer_s = health.get("answer_s", ANSWER_S)
    streak = wrong = 0
    watched, answer = 0.0, Answer()

    def ended(event: str, reason: str = "") -> dict[str, Any]:
        seconds = round(time.monotonic() - began, 3)
        verdict = {"event": event, "reason": reason, "answer": answer.text(), "seconds": seconds}
        return {
            "passed": event == "passed",
            "name": replica["name"],
            "id": replica["id"],
            **verdict,
        }

    while True:
        if time.monotonic() - watched >= WATCH_S:
            watched = time.monotonic()
            if death := docker.death(replica["id"], replica["restarted"]):
                return ended("exited", death)
        answer_now = probe(
            replica["address"],
            health["port"],
            health["ready"],
            health["host"],
            timeout_s=min(answer_s, max(0.2, deadline - time.monotonic())),
            headers=health.get("headers", {}),
        )
        progress.step(f"waits for {replica['name']} ({answer_now.status or 'no answer yet'})")
        verdict = judge(answer_now, health, release)
        # What came instead of an answer is worth telling only when there never was one.
        if answer_now.status is not None or answer.status is None:
            answer = answer_now
        streak = streak + 1 if verdict == "pass" else 0
        wrong = wrong + 1 if verdict == "wrong" else 0
        if streak >= health["successes"]:
            return ended("passed")
        if wrong >= health["successes"]:
            says = identity(answer, health["release"])
            return ended("wrong_release", f"it answers as release {says!r}, not {release!r}")
        if time.monotonic() >= deadline:
            times = f"{health['successes']} good answers in a row"
            slow = (
                f"; one takes longer than {answer_s:g} s (health.answer)" if answer_now.slow else ""
            )
            return ended("timeout", f"no {times} within {health['timeout_s']:g} s{slow}")
        time.sleep(health["interval_s"] if streak or wrong else POLL_S)


def pass_worker(replica: dict[str, Any], health: dict[str, Any]) -> dict[str, Any]:
    """Gate one replica without a port: its image's own health command, else a steady run.

    The command is run here and now; Docker would first wait for its interval.
    """
    began = time.monotonic()
    deadline = began + health["timeout_s"]
    declared = docker.inspect(replica["id"])["Config"].get("Healthcheck") or {}
    check = health_command(declared)
    bound_s = declared.get("Timeout", 0) / 1e9 or HEALTH_S
    answer = ""
    streak = 0

    def ended(event: str, reason: str = "") -> dict[str, Any]:
        seconds = round(time.monotonic() - began, 3)
        verdict = {"event": event, "reason": reason, "answer": answer, "seconds": seconds}
        return {
            "passed": event == "passed",
            "name": replica["name"],
            "id": replica["id"],
            **verdict,
        }

    while True:
        if death := docker.death(replica["id"], replica["restarted"]):
            return ended("exited", death)
        waited = time.monotonic() - began
        progress.step(f"waits for {replica['name']}")
        status: int | None = 1
        if check:
            left_s = max(0.2, deadline - time.monotonic())
            status, answer = docker.run_in(replica["id"], check, min(bound_s, left_s))
        elif waited >= health["steady_s"]:
            return ended("passed")
        streak = streak + 1 if check and status == 0 else 0
        if streak >= health["successes"]:
            return ended("passed")
        if waited >= health["timeout_s"]:
            return ended("timeout", f"not healthy within {health['timeout_s']:g} s")
        time.sleep(WATCH_S)


def skip(replica: dict[str, Any], health: dict[str, Any]) -> dict[str, Any]:
    """Let one replica through that runs for a while, whatever it answers: somebody said so."""
    began = time.monotonic()
    while not (death := docker.death(replica["id"], replica["restarted"])):
        if time.monotonic() - began >= health["steady_s"]:
            break
        time.sleep(WATCH_S)
    return {
        "passed": not death,
        "name": replica["name"],
        "id": replica["id"],
        "event": "exited" if death else "skipped",
        "reason": death,
        "answer": "",
        "seconds": round(time.monotonic() - began, 3),
    }


def health_command(declared: dict[str, Any]) -> list[str]:
    """The command of an image's HEALTHCHECK; empty where it has none."""
    kind, *words = declared.get("Test") or ["NONE"]
    if kind == "CMD-SHELL":
        return ["/bin/sh", "-c", *words]
    return list(words) if kind == "CMD" else []


def evidence(container_id: str, lines: int = 50) -> dict[str, Any]:
    """What a person needs to see of a sick container: its last log lines and its health log."""
    try:
        log = (docker.inspect(container_id)["State"].get("Health") or {}).get("Log") or []
        checks = [f"exit {e['ExitCode']}: {e['Output'].strip()}" for e in log[-3:]]
        return {
            "logs": docker.logs(container_id, lines).splitlines()[-lines:],
            "health_log": checks,
        }
    except docker.DockerError as error:
        return {"logs": [f"(no logs: {error})"], "health_log": []}
