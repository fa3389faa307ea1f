"""The Docker Engine of this host, over its socket (1 to 4 ms a call; a docker command costs 30)."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

SOCKET = "/var/run/docker.sock"


class DockerError(Exception):
    """The engine refused, or does not answer; the text says what was asked."""


def call(
    method: str,
    path: str,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 60,
) -> bytes:
    """One request to the engine; raises DockerError for any status of 400 or above.

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
    """Send a request to the engine's socket, and everything it sends back."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        client.connect(SOCKET)
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))


def containers(**labels: str) -> list[dict[str, Any]]:
    """Every container of ours, running or not, that carries all `labels` (delight.<name>=<value>)."""
    wanted = ["delight.managed=true"] + [
        f"delight.{name}={value}" for name, value in labels.items()
    ]
    query = {"all": "1", "filters": json.dumps({"label": wanted})}
    return sorted(
        (_brief(c) for c in json.loads(call("GET", "/containers/json", query))), key=_name
    )


def _name(container: Mapping[str, Any]) -> str:
    return str(container["name"])


def _brief(raw: Mapping[str, Any]) -> dict[str, Any]:
    labels = raw["Labels"]
    return {
        "id": raw["Id"],
        "name": raw["Names"][0].lstrip("/"),
        "running": raw["State"] == "running",
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
    if not found["State"]["Running"]:
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
    call("POST", f"/containers/{container_id}/update", body={"RestartPolicy": {"Name": policy}})


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
    data = call("GET", f"/containers/{container_id}/logs", query)
    text, at = bytearray(), 0
    # Frames of 8 header bytes (stream, 0, 0, 0, length) and as many bytes of text.
    while at + 8 <= len(data) and data[at] in (0, 1, 2):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        text += data[at + 8 : at + 8 + size]
        at += 8 + size
    return bytes(text or data).decode(errors="replace")


def has_image(reference: str) -> bool:
    """Whether the image is here already, so that no registry is needed."""
    try:
        call("GET", f"/images/{quote(reference, safe='/:@')}/json")
    except DockerError as error:
        if " 404 " in str(error):
            return False
        raise
    return True


def pull(reference: str, login: Mapping[str, str] | None) -> None:
    """Pull by digest. The login goes in a header of this one call and stays nowhere on the host."""
    headers = {}
    if login:
        token = json.dumps(dict(login)).encode()
        headers["X-Registry-Auth"] = base64.urlsafe_b64encode(token).decode()
    answer = call(
        "POST", "/images/create", {"fromImage": reference}, headers=headers, timeout_s=900
    )
    for line in answer.splitlines():
        event = json.loads(line) if line.strip() else {}
        if "error" in event:
            raise DockerError(f"pull of {reference}: {event['error']}")


def remove_image(reference: str) -> None:
    """Drop an image; one that is in use or gone already stays as it is."""
    try:
        call("DELETE", f"/images/{quote(reference, safe='/:@')}")
    except DockerError as error:
        if " 404 " not in str(error) and " 409 " not in str(error):
            raise


def compose(argv: list[str], variables: Mapping[str, str]) -> None:
    """Run `docker compose …`; its error output becomes the DockerError."""
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "HOME": "/nonexistent", **variables}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-5:]
        raise DockerError(f"{' '.join(argv[:2])} … {' '.join(argv[-3:])}: " + " | ".join(last))


def run_in(container_id: str, command: list[str]) -> tuple[int, str]:
    """Run a command in a running container; (status, what it printed)."""
    argv = ["docker", "exec", container_id, *command]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()[-400:]


def compose_up(project: str, file: Path, services: list[str]) -> list[str]:
    """The command that creates and starts `services` of `file` as `project`, nothing else."""
    head = [
        "docker",
        "compose",
        "--progress",
        "quiet",
        "--project-name",
        project,
        "--file",
        str(file),
    ]
    return [*head, "up", "--detach", "--no-build", "--no-deps", "--pull", "never", *services]
