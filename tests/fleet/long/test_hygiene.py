"""A secret is in its file and its process and nowhere else, whatever happens; see `places.py`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from delight import certificates

from tests.fleet.support import hygiene, setup, versions
from tests.fleet.support.hosts import Fleet
from tests.fleet.support.places import CONTROLLER, HOST, SECRETS, Place
from tests.fleet.support.playing import ROOT, Playing, Run
from tests.fleet.support.setup import unprovisioned

Services = dict[str, Any]

Edge = Callable[[], list[Run]]

LOUD = ("-vvvv", "--diff")
BACKING = ("--tags", "backing")
NAME = "delight-hygiene"
REDIS = "10.78.0.13:6379"
# Of every kind that something writes otherwise, around a word that is plain.
AWKWARD = "pä 's\"<&>$+%\\`{}-%s-/?=#"
KEY = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n"  # kingfisher:ignore
# Unlike any before, and in no file of the sources.
WORDS = {
    name: f"planted{token_hex(12)}"
    for name in ("file", "env", "key", "hmac", "registry", "postgres", "redis")
}
# A sick application: what it knows, in all ways a program has to write it down.
TELL = """
import base64, html, json, os, shlex, sys, urllib.parse
folder = "/run/secrets"
values = [open(f"{folder}/{name}").read() for name in sorted(os.listdir(folder))] + [os.environ.get("TOKEN", "")]
said = [how(value) for value in values for how in (
    str, repr, json.dumps, html.escape, shlex.quote, urllib.parse.quote, urllib.parse.quote_plus,
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.b64encode(b"me:" + text.encode()).decode(),
    lambda text: base64.urlsafe_b64encode(b"user:" + text.encode()).decode(),
    lambda text: base64.encodebytes(text.encode()).decode(),
)]
print("SAID", *said, sep="\\n", flush=True)
print(*said, file=sys.stderr, flush=True)
"""
ANSWER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503)
        self.end_headers()
        self.wfile.write("\\n".join(said).encode())
http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""


def told(then: str) -> list[str]:
    """The command of a container that tells all its secrets, then does this."""
    return ["python3", "-c", TELL + then]


@pytest.fixture(scope="module")
def pem() -> tuple[str, str]:
    """A certificate for the edge of the fleet of one host, and its private half."""
    now = datetime.now(UTC)
    made = certificates.server(certificates.authority("stories", now), "10.78.0.14", now)
    return made.certificate, made.key


@pytest.fixture(scope="module")
def words(pem: tuple[str, str]) -> hygiene.Words:
    """{name of a secret: forms of the word that stands in it}."""
    ssh = ROOT / ".lab/fleet/id_ed25519"
    found: dict[str, str] = {
        **WORDS,
        "tls": hygiene.private_part(setup.vault()["registry_tls_key"], *hygiene.OF_P256),
        "edge": hygiene.private_part(pem[1], *hygiene.OF_P256),
        "vault": (ROOT / ".vault/fleet").read_text().strip(),
        "ssh": hygiene.private_part(ssh.read_text(), *hygiene.OF_ED25519),
    }
    assert found.keys() == SECRETS.keys()
    return {name: hygiene.forms(word) for name, word in found.items()}


@pytest.fixture
def given(tmp_path: Path) -> tuple[str, ...]:
    """The arguments of a playbook that has the words as its secrets: by a file that is encrypted."""
    variables = {
        "secrets": {
            "DATABASE_URL": AWKWARD.replace("%s", WORDS["file"]),
            "TOKEN": AWKWARD.replace("%s", WORDS["env"]),
            "KEY": KEY.format(WORDS["key"]),
            "REDIS_URL": f"redis://:{WORDS['redis']}@{REDIS}/0",
        },
        "release_hmac_key": WORDS["hmac"],
        "registry_password": WORDS["registry"],
        "postgres_password": WORDS["postgres"],
        "redis_password": WORDS["redis"],
    }
    return encrypted(tmp_path / "planted.yml", variables)


def encrypted(file: Path, variables: dict[str, Any]) -> tuple[str, ...]:
    """The arguments of a playbook that reads these variables from a file which a vault encrypts."""
    password = VaultSecret((ROOT / ".vault/fleet").read_bytes().strip())
    text = yaml.safe_dump(variables, allow_unicode=True)
    file.write_bytes(VaultLib().encrypt(text, password, vault_id="fleet"))
    return ("-e", f"@{file}", *LOUD)


@pytest.fixture
def planted(pair: Fleet, given: tuple[str, ...]) -> Iterator[Fleet]:
    """The fleet, whose servers know the passwords of the vault again afterwards, and no release of the story's."""
    with unprovisioned():
        yield pair
        assert pair.play("provision", *BACKING).status == 0
        for version in pair.next_versions(2):
            pair.deploy(version, release_keep=2).expect("released", 0)


@pytest.fixture
def edge(solo: Fleet, tmp_path: Path, pem: tuple[str, str]) -> Iterator[Edge]:
    """Gives the edge of one host a certificate, which is taken away again."""
    given = encrypted(tmp_path / "edge.yml", {"edge_certificate_pem": "".join(pem)})

    def give() -> list[Run]:
        runs = [solo.play("edge", *given, *more) for more in (["--check"], [])]
        assert [run.status for run in runs] == [0, 0], runs[-1].output
        return runs

    yield give
    assert solo.play("edge").status == 0


@pytest.fixture
def using(services: Services) -> Services:
    """The services of the stories, with secrets of every kind and migrations."""
    script = ["python3", "-I", "/app/migrate.py"]
    api = services["api"]
    api["secrets"] = ["DATABASE_URL", {"name": "TOKEN", "deliver": "env"}, "KEY", "REDIS_URL"]
    api["env"] |= {"MIGRATIONS": "hygiene"}
    api["migrate"] = {"check": [*script, "pending"], "command": [*script, "apply"]}
    return {"api": api}


class Story:
    """Playbooks that have the words as their secrets, and all that they said."""

    def __init__(self, fleet: Fleet, given: tuple[str, ...], services: Services) -> None:
        self.fleet, self.services, self.runs = fleet, services, list[Run]()
        self._given = given

    def start(self, playbook: str, *more: str, **extra: Any) -> Playing:
        extra = {"services": self.services, "migrate": "before", **extra}
        return self.fleet.start(playbook, *self._given, *more, **extra)

    def play(self, playbook: str, *more: str, **extra: Any) -> Run:
        return self.end(self.start(playbook, *more, **extra))

    def end(self, playing: Playing) -> Run:
        self.runs.append(playing.end())
        return self.runs[-1]


@pytest.mark.promise("S3", "S4", "S9")
def test_a_secret_is_where_it_belongs_and_nowhere_else(
    planted: Fleet, edge: Edge, given: tuple[str, ...], using: Services, words: hygiene.Words
) -> None:
    story = Story(planted, given, using)
    with hygiene.Processes() as processes:
        with hygiene.listening([*planted.hosts, "data1"], words) as packets:
            ordinary(story)
        telling(story)
        cut_off(story)
        for playbook in ("status", "validate", "secrets"):
            assert story.play(playbook).status == 0
        image = built(story)
        story.runs += edge()

    # What looks, sees: else what was not found would say nothing.
    assert any(b"ansible-playbook" in one for one in processes.seen)
    assert any(b"docker-compose" in one for one in processes.seen), "of hosts too"
    assert {server for name, server, _ in packets if name == "redis"} == {REDIS}
    here: hygiene.Found = {
        "output": {"": hygiene.in_texts(words, *(run.output for run in story.runs))},
        "results": {"": hygiene.in_texts(words, *(json.dumps(run.result) for run in story.runs))},
        "arguments": {str(argv): hygiene.in_bytes(words, argv) for argv in processes.seen},
        "temporary": hygiene.in_files(words, *hygiene.TEMPORARY, but=ROOT),
        "checkout": hygiene.in_files(words, ROOT),
        "image": {"": hygiene.in_bytes(words, image)},
    }
    agrees([here], CONTROLLER)
    hosts = {host: hygiene.on_host(host, words) for host in (*planted.hosts, "data1", "solo")}
    said = {f"{server} from {client}": [name] for name, server, client in packets}
    agrees([*hosts.values(), {"network": said}], HOST)
    assert set(hosts["app1"]["environment"]) == {"api"}
    assert set(hosts["data1"]) == {"backing"}


def agrees(looks: list[hygiene.Found], places: dict[str, Place]) -> None:
    """What was found in each place is what it holds, no more and no less."""
    for name, place in places.items():
        found = [look.get(name, {}) for look in looks]
        there = {one for look in found for names in look.values() for one in names}
        shown = [{where: names for where, names in look.items() if names} for look in found]
        assert there == set(place.holds), f"{place.where}: {shown}"


def ordinary(story: Story) -> None:
    """Hosts are provisioned, and a release comes after the other and goes back."""
    first, second = story.fleet.next_versions(2)
    assert story.play("provision", "--check").status == 0
    assert story.play("provision", *BACKING).status == 0
    assert story.play("edge").status == 0
    story.play("migrate", version=first).expect("migrated", 0)
    story.play("deploy", version=first).expect("released", 0)
    story.play("deploy", "--check", version=second).expect("no result", 0)
    story.play("deploy", version=second).expect("released", 0)
    story.play("rollback").expect("released", 0)


def telling(story: Story) -> None:
    """An application tells its secrets: at its end, as its answer, in a check, in migrations, as a worker."""
    api, version = story.services["api"], story.fleet.next_versions(2)[1]

    def deploy(outcome: str, status: int, **of_api: Any) -> str:
        run = story.play("deploy", version=version, services={"api": {**api, **of_api}})
        return run.expect(outcome, status).output

    health = {**api["health"], "timeout": "4s"}
    assert "SAID" in deploy("rolled back", 21, command=told("sys.exit(3)"))
    assert "last answer: 503" in deploy("rolled back", 21, command=told(ANSWER), health=health)
    assert "SAID" in deploy("refused", 20, check=told("sys.exit(1)"))
    broken = {"check": ["echo", "r1"], "command": told("sys.exit(1)")}
    assert "SAID" in deploy("rolled back", 21, migrate=broken)
    pending = {"api": {**api, "migrate": {**api["migrate"], "check": told("")}}}
    run = story.play("deploy", version=version, services=pending, migrate="manual")
    assert "SAID" in run.expect("refused", 20).output
    worker = {key: api[key] for key in ("image", "memory", "secrets")}
    sick = {"command": told("sys.exit(1)"), "timeout": "3s"}
    worker |= {"command": ["sleep", "600"], "health": sick}
    run = story.play("deploy", version=version, services={"api": api, "work": worker})
    assert "SAID" in run.expect("rolled back", 21).output


def cut_off(story: Story) -> None:
    """A controller is gone in the middle of a release, and another one takes it up."""
    playing = story.start("deploy", version=story.fleet.next_versions(3)[2])
    story.fleet.in_phase("app1", "staging", "staged")
    playing.kill()
    story.end(playing)
    story.play("recover").expect("recovered", 0)


def built(story: Story) -> bytes:
    """All that Docker has of an image that a playbook builds and pushes, and of what it was built with."""
    name, base = f"{setup.REGISTRY}/{NAME}", versions.BASE
    image = {"context": "tests/fleet/app", "image": name, "args": {"BASE": base}}
    wrong = {**image, "args": {"BASE": base, "KEY": "{{ secrets.TOKEN }}"}}
    refused = story.play("build", version="v1", build_images={"api": wrong})
    assert "build_images.api.args.KEY: holds secrets.TOKEN" in refused.output
    run = story.play("build", version="v1", build_images={"api": image}, build_force=True)
    assert run.status == 0, run.output
    return b"".join(
        subprocess.run(["docker", *words], capture_output=True, check=True).stdout
        for words in (
            ("save", f"{name}:v1"),
            ("history", "--no-trunc", f"{name}:v1"),
            ("buildx", "du", "--verbose"),
        )
    )
