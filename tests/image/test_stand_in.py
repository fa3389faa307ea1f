"""The stand-in for Docker that the simulated fleet has, held against a real engine and `docker compose`.

Each story is told twice, with the calls that acts make: what acts read must be the same.
"""

from __future__ import annotations

import json
import tarfile
import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from delight import release, schema
from delight.host import command, docker, gate, images, slots, store
from delight.host import edge as host_edge
from delight.host.lease import Lease
from delight.registry import digest_of

from lab import paths
from tests.image.conftest import PASSWORD, USERNAME, Network, Registry, write_release
from tests.image.conftest import docker as run_docker
from tests.simulation.engine import EXITS, HEALTHY, Container, Engine
from tests.support.waiting import wait_until

SERVICE = f"stand-in-{uuid.uuid4().hex[:6]}"
BASE = "delight-lab/base:13"
APP = "delight"
LINES = ["one", "two", "three"]
SAYS = "; ".join(f"echo {line}" for line in LINES)
# What the containers of releases called so run.
STAYS, FAILS = f"{SAYS}; exec sleep 1000", f"{SAYS}; exit 1"
# Docker starts it once more after its first end, which it remembers by a file.
FAILS_ONCE = "test -e /begun && exec sleep 1000; touch /begun; exit 1"
EMPTY: dict[str, Any] = {"slots": {}, "run": None}
GRACE_S = 2


class Real:
    """The engine and the compose of this machine; `status` is that of the last answer."""

    status = ""
    exchange = staticmethod(docker._exchange)
    _run = staticmethod(command.run)

    def run(self, argv: list[str], bound_s: float, environment: Mapping[str, str]) -> command.Ran:
        """Run a program; where the plugins of docker lie depends on the machine."""
        return self._run(argv, bound_s, {**environment, "DOCKER_CONFIG": str(paths.DOCKER_CONFIG)})

    def create(self, script: str) -> str:
        """A container beside all slots that is not started yet; its id."""
        body = {
            "Image": BASE,
            "Cmd": ["sh", "-c", script],
            "Labels": {"delight.managed": "true", "delight.service": SERVICE},
            "HostConfig": {"Init": True},
            "NetworkDisabled": True,
        }
        made = docker.call("POST", "/containers/create", {"name": SERVICE}, body=body)
        return str(json.loads(made)["Id"])

    def end(self, container: str) -> None:
        """Its program has ended, and was started again."""
        wait_until(lambda: docker.restarts(container) == 1, "Docker has counted a restart")
        wait_until(lambda: seen()[0]["running"], "it runs again")

    def policy(self, container: str) -> str:
        """When Docker starts it by itself."""
        return str(docker.inspect(container)["HostConfig"]["RestartPolicy"]["Name"])

    def steps(self) -> list[str]:
        """In which order the containers of a slot were created and started."""
        found = [docker.inspect(one) for one in ids()]
        created = [(one["Created"], "created") for one in found]
        started = [(one["State"]["StartedAt"], "started") for one in found]
        return [what for _, what in sorted(created + started)]


class StandIn:
    """The stand-ins for both; `status` is that of the last answer."""

    status = ""

    def __init__(self) -> None:
        self.crossed: list[str] = []
        self.engine = Engine(images={BASE}, log="".join(f"{line}\n" for line in LINES))
        self.engine.program = self._program
        self.engine.cross = self.crossed.append

    def _program(self, container: Container) -> str:
        return HEALTHY if container["mine"].get("release", "stays").startswith("stays") else EXITS

    def exchange(self, request: bytes, timeout_s: float) -> bytes:
        """One request and its answer."""
        return self.engine.exchange(request)

    def run(self, argv: list[str], bound_s: float, environment: Mapping[str, str]) -> command.Ran:
        """Run `docker compose up`."""
        status, said = self.engine.compose_up(argv, dict(environment))
        return command.Ran(argv, status, "", said, bound_s)

    def create(self, script: str) -> str:
        """As the real one; what its program does, `end` says."""
        return str(self.engine.create(SERVICE, {"service": SERVICE})["Id"])

    def end(self, container: str) -> None:
        """As the real one."""
        self.engine.restart(self.engine.containers[container])

    def policy(self, container: str) -> str:
        """As the real one."""
        return self.engine.policies()[container]

    def steps(self) -> list[str]:
        """As the real one."""
        words = {"created compose": "created", "after compose": "started"}
        found = [words.get(label.partition(":")[0]) for label in self.crossed]
        return [one for one in found if one]


Side = Real | StandIn
Told = Callable[[Side], Any]


def clean() -> None:
    """Remove what is left of a story."""
    for one in ids():
        docker.remove(one)


def same(story: Told) -> Any:
    """What a story tells of both sides."""
    told = []
    for side in (StandIn(), Real()):

        def exchange(request: bytes, timeout_s: float, side: Side = side) -> bytes:
            answer = side.exchange(request, timeout_s)
            side.status = answer.split(b" ")[1].decode()
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(docker, "_exchange", exchange)
            patch.setattr(command, "run", side.run)
            # Nothing serves here: what acts ask the edge before they stop something.
            patch.setattr(host_edge, "exchange", lambda path, words, timeout_s: "\n")
            try:
                told.append(story(side))
            finally:
                clean()
    assert told[0] == told[1]
    return told[1]


class Host:
    """The folder of a host with releases, and what acts do with its blue slot."""

    def __init__(self, root: Path, network: Network) -> None:
        self.at = store.Store(root / APP, Lease(root / APP), "web-1")
        self.network = network

    def release(self, version: str, script: str, image: str = BASE, replicas: int = 1) -> Any:
        """Write a release of one service; its manifest."""
        spec = {
            "image": "registry.test/any",
            "replicas": replicas,
            "command": ["sh", "-c", script],
        }
        made = release.build(
            version,
            schema.validate_services({SERVICE: spec}),
            {SERVICE: image},
            {SERVICE: 1},
            {},
            "key",
            schema.validate_settings({"app_subnet": self.network.subnet}),
        )
        write_release(self.at, made, {}, self.network)
        return made.manifest

    def up(self, manifest: Any) -> Any:
        """Have a release run; how, and what its replicas are."""
        found = slots.bring_up(self.at, EMPTY, manifest, SERVICE, "blue")
        return found["how"], [{**one, "id": ""} for one in found["replicas"]]

    def stop(self) -> None:
        """Stop it and keep its containers."""
        slots.stop(self.at, EMPTY, SERVICE, "blue", GRACE_S)

    def clear(self) -> None:
        """Stop it and remove its containers."""
        slots.clear(self.at, EMPTY, SERVICE, "blue", GRACE_S)


@pytest.fixture
def host(tmp_path: Path, network: Network) -> Host:
    """A folder where nothing is released."""
    return Host(tmp_path, network)


def seen(**labels: str) -> list[dict[str, Any]]:
    """What acts read of containers, less what is named otherwise on every host and at every time."""
    return [
        {
            **{key: value for key, value in one.items() if key not in ("id", "status")},
            "restarts": docker.restarts(one["id"]),
            "death": docker.death(one["id"], 0),
            "health": docker.inspect(one["id"])["Config"].get("Healthcheck"),
        }
        for one in docker.containers(APP, service=SERVICE, **labels)
    ]


def ids() -> list[str]:
    """The ids of all containers of ours."""
    return [one["id"] for one in docker.containers(APP, service=SERVICE)]


def ended() -> None:
    """Wait until all containers have ended."""

    def left() -> bool:
        return any(one["running"] for one in docker.containers(APP, service=SERVICE))

    wait_until(lambda: not left(), "they have ended")


def test_a_slot_from_its_first_day_to_its_last(host: Host) -> None:
    first, second = host.release("stays-1", STAYS, replicas=2), host.release("stays-2", STAYS)

    def story(side: Side) -> dict[str, Any]:
        told = {"new": [host.up(first), seen(slot="blue"), seen(slot="green")]}
        told["steps"] = side.steps()
        told["warm"] = [host.up(first), seen()]
        slots.set_restart(host.at, SERVICE, "blue", "unless-stopped")
        told["policies"] = [side.policy(one) for one in ids()]
        host.stop()
        told["stopped"] = seen()
        told["cold"] = [host.up(first), seen()]
        told["replaced"] = [host.up(second), seen()]
        host.clear()
        return told | {"cleared": seen()}

    told = same(story)
    hows = {name: told[name][0][0] for name in ("new", "warm", "cold", "replaced")}
    assert hows == {"new": "new", "warm": "warm", "cold": "cold", "replaced": "new"}
    assert told["steps"] == ["created", "created", "started", "started"]
    assert told["policies"] == ["unless-stopped"] * 2
    assert {one["death"] for one in told["stopped"]} == {"its container exited with status 143"}
    assert len(told["new"][1]) == 2 and told["cleared"] == []


def test_a_program_that_ends_at_once(host: Host) -> None:
    fails = host.release("fails", FAILS)

    def story(side: Side) -> Any:
        how, _ = host.up(fails)
        ended()
        return how, seen(), gate.evidence(ids()[0], lines=2)

    how, [one], evidence = same(story)
    assert (how, one["state"]) == ("new", "exited")
    assert one["death"] == "its container exited with status 1"
    assert evidence == {"logs": LINES[1:], "health_log": []}


def test_what_runs_has_a_log_and_takes_commands(host: Host) -> None:
    """Until it is stopped."""
    stays = host.release("stays", STAYS)

    def story(side: Side) -> Any:
        host.up(stays)
        [one] = ids()
        wait_until(lambda: LINES[-1] in docker.logs(one, 1), "it has said all")
        logs = [docker.logs(one, count) for count in (1, 2, 50)]
        ran = docker.run_in(one, ["true"], 60)
        asked = {"AttachStdout": True, "AttachStderr": True, "Cmd": ["true"]}
        made = json.loads(docker.call("POST", f"/containers/{one}/exec", body=asked))["Id"]
        docker.stop(one, GRACE_S)
        with pytest.raises(docker.DockerError):
            docker.call("POST", f"/exec/{made}/start", body={"Detach": False, "Tty": False})
        return logs, ran, docker.logs(one, 2)

    last = "two\nthree\n"
    assert same(story) == (["three\n", last, f"one\n{last}"], (0, ""), last)


def test_docker_counts_only_its_own_restarts() -> None:
    def story(side: Side) -> Any:
        one = side.create(FAILS_ONCE)
        docker.set_restart(one, "unless-stopped")
        docker.start(one)
        side.end(one)
        told = [docker.restarts(one), docker.death(one, 0), docker.death(one, 1)]
        docker.stop(one, GRACE_S)
        told += [docker.restarts(one), docker.death(one, 1)]
        docker.start(one)
        return [*told, docker.restarts(one), docker.death(one, 0), docker.death(one, 1)]

    restarted = "its container was restarted after the gate had begun"
    gone = "its container exited with status 143"
    assert same(story) == [1, restarted, "", 1, gone, 0, "", restarted]


CALLS: dict[str, Callable[[str], Any]] = {
    "inspect": docker.inspect,
    "logs": lambda one: docker.logs(one, 5),
    "update": lambda one: docker.set_restart(one, "no"),
    "exec": lambda one: docker.run_in(one, ["true"], 60),
    "start": docker.start,
    "start again": docker.start,
    "stop": lambda one: docker.stop(one, GRACE_S),
    "stop again": lambda one: docker.stop(one, GRACE_S),
    "remove": docker.remove,
    "remove again": docker.remove,
}


@pytest.mark.parametrize("state", ["created", "running", "exited"])
def test_every_call_about_a_container(state: str) -> None:
    """The status of the answer, whatever the container does, and after it is gone."""

    def story(side: Side) -> Any:
        one = side.create(STAYS)
        if state != "created":
            docker.start(one)
        if state == "exited":
            docker.stop(one, GRACE_S)
        told: list[Any] = [seen(), docker.logs(one, 5) if state == "created" else ""]
        for _ in range(2):
            for call in CALLS.values():
                with suppress(docker.DockerError):
                    call(one)
                told.append(side.status)
        return told

    [before], said, *statuses = same(story)
    assert (before["state"], said) == (state, "")
    found = dict(zip(CALLS, statuses, strict=False))
    assert found["start again"] == found["stop again"] == "304"
    assert found["exec"] == ("200" if state == "running" else "409")
    assert set(statuses[len(CALLS) :]) == {"404"}


def test_a_container_is_removed_by_its_name_and_only_once() -> None:
    def story(side: Side) -> Any:
        side.create(STAYS)
        for _ in range(2):
            docker.remove(SERVICE)
        return seen()

    assert same(story) == []


@pytest.fixture
def image(registry: Registry, tmp_path: Path) -> str:
    """An image in a registry with a login, by its digest; the engine does not have it."""
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("file"))
    repository = f"{registry.address}/stand-in"
    tag = f"{repository}:v1"
    word = b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": word}}}))
    run_docker("import", str(tmp_path / "image.tar"), tag)
    run_docker("--config", str(tmp_path), "push", "--quiet", tag)
    run_docker("rmi", tag)
    return f"{repository}@{digest_of(repository, 'v1', registry.login())}"


def test_an_image_from_its_pull_to_its_end(host: Host, image: str) -> None:
    """It stays as long as a container uses it, and without it nothing starts."""
    empty = host.release("fails", "", image=image)
    login = {"username": USERNAME, "password": PASSWORD}

    def story(side: Side) -> Any:
        told: list[Any] = [images.present(image)]
        with pytest.raises(docker.DockerError):
            host.up(empty)
        told += [seen()]
        for _ in range(2):
            images.pull(image, login)
        told += [images.present(image), host.up(empty)[0]]
        ended()
        told += [images.remove(image), images.present(image)]
        host.clear()
        return [*told, images.remove(image), images.remove(image), images.present(image)]

    assert same(story) == [False, [], True, "new", False, True, True, True, False]
