"""Applications that know nothing of this project, from checkouts of their own: described, built, deployed.

What is typed here is what `docs/your-own-application.md` has its readers type.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import paths
from tests.fleet.support import setup
from tests.fleet.support.hosts import Fleet, until
from tests.fleet.support.load import Load
from tests.fleet.support.playing import ROOT
from tests.support.checkout import copy_sources
from tests.support.commands import run
from tests.support.git import commit_all

OTHERS = ROOT / "tests/fleet/others"
ADDRESS = "10.78.0.14"
COMMAND_S = 300
OWNER = "/srv/delight/environment"
# A secret that a shell, YAML, Compose and an environment file would each take for something else.
MOTTO = 'it\'s "so": $HOME #1 \\n ünï\n second line'
KEY = paths.ROOT / ".lab/fleet/id_ed25519"
# As an editor: everything that is left open gets what the lab has for it.
EDITOR = """
import json, sys, yaml
held = yaml.safe_load(open(sys.argv[2]))
told = json.load(open(sys.argv[1]))
held["secrets"] |= told.pop("secrets")
open(sys.argv[2], "w").write(yaml.safe_dump(held | told, allow_unicode=True))
"""


class Project:
    """A checkout of this project with an application beside it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.folder = copy_sources(folder / "deploy")
        commit_all(self.folder)
        self.source = folder / name
        shutil.copytree(OTHERS / name, self.source)
        commit_all(self.source)

    def run(self, *argv: str, status: int = 0, **environment: str) -> str:
        """A command in the project's folder; its output."""
        done = run(self.folder, *argv, **environment)
        assert done.returncode == status, done.stdout
        assert "second line" not in done.stdout
        return done.stdout

    def play(self, playbook: str, *args: str, status: int = 0) -> str:
        """A playbook for the environment that was described."""
        return self.run(
            "ansible-playbook", f"{playbook}.yml", "-i", self.name, *args, status=status
        )

    def describe(self, health: str, port: int, secrets: dict[str, str], **change: Any) -> None:
        """All that is done once, before the first deploy; `change` is what is edited in `main.yml`."""
        answers = {
            "init_name": self.name,
            "init_source": f"../{self.name}",
            "init_image": f"{setup.REGISTRY}/{self.name}",
            "init_registry_username": "delight",
            "init_port": str(port),
            "init_health": health,
            "init_secrets": ",".join(secrets),
            "init_hosts": ADDRESS,
            "init_user": "debian",
        }
        self.run("ansible-playbook", "init.yml", "-e", json.dumps(answers))
        held = setup.vault()
        told = {name: held[name] for name in ("registry_password", "registry_ca")}
        file = self.folder.parent / "told.json"
        file.write_text(json.dumps({"secrets": secrets, **told}))
        editor = self.folder.parent / "editor.py"
        editor.write_text(EDITOR)
        edit = f"{sys.executable} {editor} {file}"
        self.run(str(self.folder / "bin/secrets"), self.name, EDITOR=edit)
        scan = ["ssh-keyscan", "-t", "ed25519", ADDRESS]
        keys = subprocess.run(scan, capture_output=True, check=True, timeout=COMMAND_S).stdout
        (self.folder / self.name / "known_hosts").write_bytes(keys)
        main = self.folder / f"{self.name}/group_vars/{self.name}/main.yml"
        found = yaml.safe_load(main.read_text())
        found["services"]["app"] |= change.pop("app")
        found["services"] |= change
        # What this machine has in place of what anybody else has.
        found |= {"edge_image": "delight-lab/haproxy:3.0", "ansible_ssh_private_key_file": str(KEY)}
        found |= {"build_docker_config": str(paths.DOCKER_CONFIG)}
        main.write_text(yaml.safe_dump(found, allow_unicode=True))

    def change(self, file: str, old: str, new: str) -> None:
        """Another commit of the application."""
        text = (self.source / file).read_text()
        assert old in text
        (self.source / file).write_text(text.replace(old, new))
        commit_all(self.source)

    def release(self, *args: str) -> None:
        """Build and deploy what is checked out."""
        self.play("build")
        self.play("deploy", *args)


@pytest.fixture
def guest(solo: Fleet) -> Iterator[Fleet]:
    """One host that is given to another environment, and left with releases of the stories alone: others would go
    back to what is kept."""
    solo.exec("solo", "rm", OWNER)
    yield solo
    solo.exec("solo", "sh", "-c", f"echo fleet > {OWNER}")
    for version in ("v1", "v2"):
        solo.deploy(version, release_keep=2).expect("released", 0)


def in_database(sql: str) -> None:
    """Statements in the database of the data host."""
    script = (
        "PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); PGPASSWORD=$(head -n 1 /run/secrets/logins | cut -d' ' -f2) "
        f"psql --quiet --host=10.78.0.13 --username=delight --dbname=delight --command='{sql}'"
    )
    inside = ["docker", "exec", "delight-data-postgres-1", "sh", "-c", script]
    subprocess.run(["docker", "exec", "delight-fleet-data1", *inside], check=True)


def ask(path: str, body: str | None = None) -> str:
    """An answer of the host's edge."""
    data = body.encode() if body else None
    request = urllib.request.Request(f"http://{ADDRESS}{path}", data)
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return str(answer.read().decode())


@pytest.mark.promise("W8", "S4", "M1", "M2")
def test_pages_with_a_database_migrations_and_a_worker(guest: Fleet, tmp_path: Path) -> None:
    notes = Project(tmp_path, "notes")
    password = setup.vault()["postgres_password"]
    database = (
        f"postgresql://delight:{password}@10.78.0.13:5432/delight?options=-csearch_path%3Dnotes"
    )
    common = {
        "user": "1234:1234",
        "memory": "192m",
        "env": {"VERSION": "one"},
        "secrets": ["DATABASE_URL", "MOTTO"],
        "deliver": "env",
        "stop_grace": "8s",
        "drain": "6s",
    }
    health = {"path": "/health", "release": "none", "timeout": "20s"}
    image = f"{setup.REGISTRY}/notes"
    migrate = {
        "command": ["python", "manage.py", "migrate"],
        "check": ["python", "manage.py", "pending"],
    }
    worker = {"image": image, "command": ["python", "manage.py", "work"], "health": {"command": []}}
    notes.describe(
        "/health",
        80,
        {"DATABASE_URL": database, "MOTTO": MOTTO},
        app={**common, "migrate": migrate, "health": health},
        worker={**common, **worker},
    )
    in_database("DROP SCHEMA IF EXISTS notes CASCADE; CREATE SCHEMA notes")
    assert "changed=0" in notes.play("provision", "--check", "--tags", "base")

    notes.play("build")
    refused = notes.play("deploy", status=20)
    assert "migrations are pending" in refused
    notes.play("deploy", "-e", "migrate=before")
    ask("/notes", "a note")
    until(lambda: ["a note", "A NOTE"] in json.loads(ask("/notes"))["notes"], "the worker works")
    assert json.loads(ask("/notes"))["motto"] == MOTTO

    assert "UNCHANGED" in notes.play("deploy")
    notes.change("app.py", "notes=found", "notes=found, new=True")
    with Load(guest.url, path="/notes", pattern=("kept", "new"), rate=50, slow_rate=0) as load:
        notes.release()
        assert json.loads(ask("/notes"))["new"] is True
        notes.play("rollback")
        assert "new" not in json.loads(ask("/notes"))
    assert load.report.failures[:20] == []

    # A new version that cannot read its database never gets a request.
    notes.change("app.py", "FROM notes LIMIT", "FROM no_such_table LIMIT")
    notes.play("build")
    sick = notes.play("deploy", status=21)
    assert "no_such_table" in sick
    assert json.loads(ask("/notes"))["notes"] == [["a note", "A NOTE"]]


class Visitor:
    """A WebSocket, as a browser would open it (RFC 6455)."""

    def __init__(self) -> None:
        self.link = socket.create_connection((ADDRESS, 80), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET / HTTP/1.1", f"Host: {ADDRESS}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
        self.link.sendall("\r\n".join(lines).encode())
        self.said = self.link.makefile("rb")
        assert self.said.readline().split()[1] == b"101"
        while self.said.readline().strip():
            pass

    def say(self, word: str) -> None:
        """One short text, masked as a client's must be."""
        mask = os.urandom(4)
        body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(word.encode()))
        self.link.sendall(bytes([0x81, 0x80 | len(body)]) + mask + body)

    def hear(self) -> tuple[int, bytes]:
        """One short frame: its kind and what is in it."""
        kind, length = self.said.read(2)
        return kind & 0x0F, self.said.read(length)


@pytest.mark.promise("W8", "T4")
def test_a_chat_over_websockets(guest: Fleet, tmp_path: Path) -> None:
    chat = Project(tmp_path, "chat")
    app = {
        "user": "2345:2345",
        "memory": "96m",
        "replicas": 1,
        "health": {"path": "/healthz", "status": 204, "release": "none"},
        "writable": [{"path": "/srv/chat/visitors", "size": "1m"}],
        "drain": "1s",
        "stop_grace": "5s",
        "warm": "0s",
    }
    chat.describe("/healthz", 3000, {"GREETING": MOTTO}, app=app)
    chat.release()
    assert ask("/") == MOTTO
    one, other = Visitor(), Visitor()
    one.say("hello")
    assert one.hear() == other.hear() == (1, b"hello")

    chat.change("server.mjs", ": GREETING", ": `new ${GREETING}`")
    chat.play("build")
    chat.play("deploy")
    assert ask("/") == f"new {MOTTO}"
    # Who was here could talk on until the drain bound.
    assert one.said.read() == b""
    late = Visitor()
    late.say("again")
    assert late.hear() == (1, b"again")
