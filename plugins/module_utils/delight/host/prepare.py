"""Acts `lock` and `prepare`: lock the host, fetch what the release needs, write it down."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from . import docker, files, images, once, owner, redact, store
from .edge import Edge, EdgeError


def lock(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Open the run on this host; nothing may have changed since the plan looked at it."""
    if theirs := owner.refusal(at.root, params["environment"]):
        raise store.Refused("refused", theirs)
    state = at.load()
    run, wanted = state["run"], params["run"]
    if run is not None and run["id"] == wanted["id"]:
        return {"outcome": "ok"}
    if run is not None or (state["live"], state["last"]) != (params["live"], params["last"]):
        raise store.Refused(
            "busy", "another run has changed this host since it was looked at; run again"
        )
    # First whose the run is: another environment must not take it for one of its own.
    owner.claim(at.root, params["environment"])
    state["run"] = {**wanted, "from": state["live"], "phase": "locked", "started": store.now()}
    at.save(state)
    return {"outcome": "ok", "changed": True}


def export(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """The files of a kept release, its secrets included but for those that it may be `without`."""
    manifest = at.manifest(params["release"])
    folder = at.releases / manifest["id"]
    if damage := damaged(folder, manifest, params["without"]):
        return {"outcome": "failed", "reason": f"release {manifest['id']} is damaged: {damage}"}
    contents = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "release.json":
            seen = path.stat()
            contents[str(path.relative_to(folder))] = {
                "text": path.read_text(),
                "mode": f"{seen.st_mode & 0o777:04o}",
                "owner": [seen.st_uid, seen.st_gid],
            }
    return {"outcome": "ok", "files": contents}


def prepare(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Pull by digest, write `releases/<id>/`, give the edge the backends of the new slots."""
    lock(at, params)
    state = at.own(params["run"]["id"])
    at.phase(state, "preparing")
    manifest = params["manifest"]
    try:
        pulled = pull(params)
        written = write_release(at, manifest, params.get("files"))
        reloaded = Edge(at.root).write_backends(params["backends"])
        leave_agent(at.root / "agent.pyz")
    except (docker.DockerError, EdgeError, OSError) as error:
        return {"outcome": "failed", "reason": str(error)}
    unfit, pending = try_out(at, params)
    if unfit:
        reason = "; ".join(f"{one['name']}: {one['reason']}" for one in unfit)
        return {"outcome": "unfit", "reason": reason, "sick": unfit}
    at.phase(state, "prepared")
    done = [f"pulled {len(pulled)} images"] if pulled else []
    done += ["wrote the release"] if written else []
    done += ["gave the edge its backends (hitless reload)"] if reloaded else []
    done += [f"checked {one['service']}" for one in params["checks"]]
    if pending is not None and not any(pending.values()):
        done.append("no migration is pending")
    return {
        "outcome": "ok",
        "pending": pending,
        "changed": bool(done),
        "message": ", ".join(done) or "all there already",
    }


def leave_agent(path: Path) -> None:
    """Leave this code for the host's own timer, so that it is always the last release's."""
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as archive:
        for source in sorted(Path(__file__).parent.glob("*.py")):
            archive.writestr(zipfile.ZipInfo(f"host/{source.name}"), source.read_bytes())
        archive.writestr(zipfile.ZipInfo("__main__.py"), "from host.main import main\n\nmain()\n")
    if not path.exists() or path.read_bytes() != text.getvalue():
        files.write_atomic(path, text.getvalue(), mode=0o600)


def pull(params: dict[str, Any]) -> list[str]:
    """Pull what is missing, at once; a kept release needs no registry."""
    missing = [image for image in params["images"] if not images.present(image)]
    docker.in_parallel(lambda image: images.pull(image, params["logins"].get(image)), missing)
    return missing


class Question(NamedTuple):
    """A command of a new image; `bound` is the key of its service that sets `timeout_s`."""

    what: str
    service: str
    argv: list[str]
    timeout_s: float
    bound: str


def try_out(
    at: store.Store, params: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, list[str]] | None]:
    """Run commands of the new images on this host, all at once: (what failed, as evidence; {service: its
    pending migrations}, or None where nobody asked for them).

    `params["checks"]` are [{"service", "argv", "timeout_s"}], `params["migrations"]` are those of `migrate`, or
    None.
    """
    asked = [
        Question(
            f"{one['service']} check",
            one["service"],
            one["argv"],
            one["timeout_s"],
            "check_timeout",
        )
        for one in params["checks"]
    ]
    asks = [
        Question(
            f"{one['service']} migration",
            one["service"],
            one["check"],
            one["check_timeout_s"],
            "migrate.check_timeout",
        )
        for one in params["migrations"] or []
    ]
    release = params["manifest"]["id"]
    done = docker.in_parallel(
        lambda one: (one, once.run_once(at, release, one.service, one.argv, one.timeout_s)),
        asked + asks,
    )
    secrets = redact.of_release(at.releases / release) if done else redact.known([])
    unfit = [
        once.evidence(one.what, ran, f"services.{one.service}.{one.bound}", secrets)
        for one, ran in done
        if ran.late or ran.status
    ]
    pending = {one.service: once.lines(ran, secrets) for one, ran in done[len(asked) :]}
    return unfit, None if params["migrations"] is None else pending


def write_release(
    at: store.Store, manifest: dict[str, Any], contents: dict[str, dict[str, Any]] | None
) -> bool:
    """Make `releases/<id>/` complete; whether it had to be written.

    `contents` is {relative path: {"text", "mode", "owner": [uid, gid]}}, or None for a release
    that must be here already, as for a rollback.
    """
    folder = at.releases / manifest["id"]
    damage = damaged(folder, manifest)
    if not damage:
        return False
    if contents is None:
        raise OSError(
            f"release {manifest['id']} is damaged on this host: {damage}; deploy it again"
        )
    temporary = at.releases / f".{manifest['id']}.new"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o750, parents=True)
    for name, file in contents.items():
        path = temporary / name
        make_folders(path.parent, temporary)
        uid, gid = file["owner"]
        files.write_atomic(path, file["text"].encode(), int(file["mode"], 8), (uid, gid))
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    files.write_atomic(temporary / "release.json", text.encode(), mode=0o640)
    if folder.exists():
        shutil.rmtree(folder)
    os.rename(temporary, folder)
    files.sync_folder(at.releases)
    return True


def make_folders(folder: Path, root: Path) -> None:
    """Folders below the release are root's alone; Docker mounts the single files."""
    if folder != root and not folder.exists():
        make_folders(folder.parent, root)
        folder.mkdir(mode=0o750)


def damaged(folder: Path, manifest: dict[str, Any], without: Collection[str] = ()) -> str:
    """What is wrong with a kept release, or nothing; it may be `without` some secrets.

    Secret files are checked by presence: their digests are HMACs whose key never leaves the vault.
    """
    if store.manifest_in(folder) != manifest:
        return "release.json is missing or differs"
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file() and not (name.startswith("secrets/") and path.name in without):
            return f"{name} is missing"
        if not name.startswith("secrets/") and files.sha256(path.read_bytes()) != digest:
            return f"{name} does not match its checksum"
    return ""
