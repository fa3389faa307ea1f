"""The Docker Engine of this host, over its socket (1 to 4 ms a call; a docker command costs 30)."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from . import command
from .addresses import FIRST_APP

SOCKET = "/var/run/docker.sock"
# Compose starts all replicas of a slot.
COMPOSE_S = 300.0
# Where Docker looks for its plugins, in its order; those of a person's home are left out.
PLUGINS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
# States of a container that nothing starts again by itself; `restarting` is none of them.
STOPPED = {"created", "exited", "dead"}
# How often a change is asked for that the engine may refuse for a moment.
ATTEMPTS = 5


class DockerError(Exception):
    """The engine refused, or does not answer; the text says what was asked."""


class DockerTimeout(DockerError):
    """The engine has not answered in time."""


def call(
    method: str,
    path: str,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 60,
) -> bytes:
    """One request to the engine; raises DockerError for any status of 400 or above, and when the
    whole answer has not come within `timeout_s`.

    HTTP/1.0: the answer ends with the connection, so that it takes no HTTP library (whose import
    alone costs 50 ms an act).
    """
    payload = b"" if body is None else json.dumps(body).encode()
    fields = {"Host": "docker", "Content-Length": str(len(payload)), **(headers or {})}
    if payload:
        fields["Content-Type"] = "application/json"
    url = path + ("?" + urlencode(query) if query else "")
    lines = [f"{method} {url} HTTP/1.0", *(f"{key}: {value}" for key, value in fields.items())]
    try:
        answer = _exchange("\r\n".join([*lines, "", ""]).encode() + payload, timeout_s)
        head, end, data = answer.partition(b"\r\n\r\n")
        if not end:
            raise OSError("it closed the connection without an answer")
    except TimeoutError as error:
        raise DockerTimeout(
            f"the Docker engine has not answered {method} {path} within {timeout_s:g} s"
        ) from error
    except OSError as error:
        raise DockerError(f"the Docker engine does not answer at {SOCKET}: {error}") from error
    status = int(head.split(b" ", 2)[1])
    if status >= 400:
        try:
            message = json.loads(data).get("message", "")
        except ValueError:
            message = data.decode(errors="replace")
        raise DockerError(f"{method} {path}: {status} {message.strip()}")
    return data


def _exchange(request: bytes, timeout_s: float) -> bytes:
    """Send a request to the engine's socket, and everything it sends back within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        client.connect(SOCKET)
        client.sendall(request)
        parts: list[bytes] = []
        while True:
            client.settimeout(max(0.001, deadline - time.monotonic()))
            if not (part := client.recv(65536)):
                return b"".join(parts)
            parts.append(part)


def containers(app: str, **labels: str) -> list[dict[str, Any]]:
    """Every container of an application, running or not, that carries all `labels` (delight.<name>=<value>)."""
    wanted = ["delight.managed=true"] + [
        f"delight.{name}={value}" for name, value in labels.items()
    ]
    query = {"all": "1", "filters": json.dumps({"label": wanted})}
    found = json.loads(call("GET", "/containers/json", query))
    mine = [one for one in found if one["Labels"].get("delight.app", FIRST_APP) == app]
    return sorted(map(_brief, mine), key=_name)


def _name(container: Mapping[str, Any]) -> str:
    return str(container["name"])


def _brief(raw: Mapping[str, Any]) -> dict[str, Any]:
    labels = raw["Labels"]
    return {
        "id": raw["Id"],
        "name": raw["Names"][0].lstrip("/"),
        "running": raw["State"] == "running",
        "stopped": raw["State"] in STOPPED,
        "state": raw["State"],
        "status": raw["Status"],
        **{
            key: labels.get(f"delight.{key}", "")
            for key in ("service", "slot", "release", "fingerprint", "replica")
        },
    }


def inspect(container_id: str) -> dict[str, Any]:
    """The engine's own record of one container."""
    found: dict[str, Any] = json.loads(call("GET", f"/containers/{container_id}/json"))
    return found


def restarts(container_id: str) -> int:
    """How often Docker has started the container again by itself, so far."""
    return int(inspect(container_id)["RestartCount"])


def death(container_id: str, restarted: int) -> str:
    """Empty while the container lives as it did when `restarts` said `restarted`, else what happened."""
    found = inspect(container_id)
    # Between two lives `Running` is still true.
    if not found["State"]["Running"] or found["State"].get("Restarting"):
        oom = ", out of memory" if found["State"].get("OOMKilled") else ""
        return f"its container exited with status {found['State']['ExitCode']}{oom}"
    if found["RestartCount"] != restarted:
        return "its container was restarted after the gate had begun"
    return ""


def start(container_id: str) -> None:
    """Start a container that exists; one that runs already is left alone."""
    call("POST", f"/containers/{container_id}/start")


def set_restart(container_id: str, policy: str) -> None:
    """`unless-stopped` for what the map names, `no` for everything else."""
    body = {"RestartPolicy": {"Name": policy}}
    for attempt in range(ATTEMPTS):
        try:
            call("POST", f"/containers/{container_id}/update", body=body)
            return
        except DockerError as error:
            # Its program has ended, and the engine has not noticed yet.
            if "cannot update a stopped container" not in str(error) or attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.1)


def stop(container_id: str, grace_s: float) -> None:
    """Ask it to end, kill it after `grace_s` seconds."""
    query = {"t": str(max(1, round(grace_s)))}
    call("POST", f"/containers/{container_id}/stop", query, timeout_s=grace_s + 30)


def remove(container_id: str) -> None:
    """Remove a container with its anonymous volumes; one that is gone already is fine."""
    try:
        call("DELETE", f"/containers/{container_id}", {"force": "1", "v": "1"})
    except DockerError as error:
        if "404" not in str(error) and "already in progress" not in str(error):
            raise


def in_parallel(function: Any, items: Iterable[Any]) -> list[Any]:
    """`function` over `items`, at once; the first error is raised after all have ended."""
    todo = list(items)
    if len(todo) < 2:
        return [function(one) for one in todo]
    from concurrent.futures import ThreadPoolExecutor  # most acts never need it

    with ThreadPoolExecutor(max_workers=min(16, len(todo))) as pool:
        return list(pool.map(function, todo))


def logs(container_id: str, lines: int) -> str:
    """The last `lines` lines the container wrote, standard output and error in their order."""
    query = {"stdout": "1", "stderr": "1", "tail": str(lines)}
    return output(call("GET", f"/containers/{container_id}/logs", query))


def output(data: bytes) -> str:
    """The text in the frames by which the engine keeps standard output and error apart."""
    text, at = bytearray(), 0
    # Frames of 8 header bytes (stream, 0, 0, 0, length) and as many bytes of text.
    while at + 8 <= len(data) and data[at] in (0, 1, 2):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        text += data[at + 8 : at + 8 + size]
        at += 8 + size
    return bytes(text or data).decode(errors="replace")


def compose(argv: list[str], variables: Mapping[str, str]) -> None:
    """Run `docker compose …`; its error output becomes the DockerError."""
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "HOME": "/nonexistent", **variables}
    ran = command.run(argv, COMPOSE_S, environment)
    what = f"{' '.join(argv[:2])} … {' '.join(argv[-3:])}"
    if ran.late:
        raise DockerError(f"{what}: not done within {ran.bound_s:g} s, and ended")
    if ran.status:
        raise DockerError(f"{what}: " + " | ".join(ran.stderr.strip().splitlines()[-5:]))


def run_in(container_id: str, argv: list[str], bound_s: float) -> tuple[int | None, str]:
    """Run a command in a running container; (status, what it printed).

    The status is None where it was still at it after `bound_s` seconds, and was killed.
    """
    asked = {"AttachStdout": True, "AttachStderr": True, "Cmd": argv}
    made = json.loads(call("POST", f"/containers/{container_id}/exec", body=asked))["Id"]
    try:
        body = {"Detach": False, "Tty": False}
        said = call("POST", f"/exec/{made}/start", body=body, timeout_s=bound_s)
    except DockerTimeout:
        found = json.loads(call("GET", f"/exec/{made}/json"))
        if found["Running"] and found["Pid"]:
            command.kill_tree(found["Pid"])
        return None, f"`{' '.join(argv)}` did not end within {bound_s:g} s and was killed"
    status = json.loads(call("GET", f"/exec/{made}/json"))["ExitCode"]
    return status, output(said).strip()


def compose_up(project: str, file: Path, services: list[str]) -> list[str]:
    """The command that creates and starts `services` of `file` as `project`, nothing else."""
    head = [*composer(), "--progress", "quiet", "--project-name", project, "--file", str(file)]
    return [*head, "up", "--detach", "--no-build", "--no-deps", "--pull", "never", *services]


def composer() -> list[str]:
    """How Compose is called: as a program where it lies in one of Docker's folders of plugins.

    By way of the docker command, which first asks every plugin who it is, each call takes 60 ms more.
    """
    for folder in PLUGINS:
        if os.access(program := f"{folder}/docker-compose", os.X_OK):
            return [program]
    return ["docker", "compose"]
