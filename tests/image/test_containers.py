"""What a service says of its container, in a real one: the very release, Docker Compose and the engine."""

from __future__ import annotations

import json
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from delight import release, schema
from delight.host import command, docker, ending, once, redact, slots, store, told
from delight.host.lease import Lease
from delight.release import Release
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab import paths
from tests.image.conftest import Network, write_release
from tests.image.conftest import docker as run_docker
from tests.support.waiting import wait_until

BASE = "delight-lab/python:3.13"
KEY = "k" * 32
BOUND_S = 60
SHARED, COPY = "/dev/shm", "/tmp/x"  # noqa: S108 of a container
# All that means something to a shell, to YAML, to Compose or to an environment file.
NASTY = "'\"\\$`#={}%!&*?~|<>;:,- \t\r\n\x01\x0b\x85\u2028aZ09é日\U0001f680"
VALUES = st.text(st.sampled_from(NASTY), min_size=1) | st.text(
    st.characters(exclude_characters="\0", codec="utf-8"), min_size=1
)
# Everything in the environment and in the files of secrets, each with its name.
TELL = """
import base64, json, os, pathlib
found = {name: os.environb[name.encode()] for name in os.environ}
found |= {f"file:{p.name}": p.read_bytes() for p in pathlib.Path("/run/secrets").glob("*")}
print(json.dumps({name: base64.b64encode(value).decode() for name, value in found.items()}))
"""


class Host:
    """The folder of a host, and what it makes of services."""

    def __init__(self, root: Path, network: Network) -> None:
        root = root / "delight"
        self.at = store.Store(root, Lease(root), "web-1.example.com")
        self.network = network

    def release(
        self, spec: dict[str, Any], secrets: dict[str, str] | None = None, image: str = BASE
    ) -> tuple[Release, Path]:
        """A release of one service, and its folder."""
        services = schema.validate_services({"any": {"image": "registry.test/any", **spec}})
        subnet = schema.validate_settings({"app_subnet": self.network.subnet})
        values = secrets or {}
        made = release.build("v1", services, {"any": image}, {"any": 1}, values, KEY, subnet)
        return made, write_release(self.at, made, values, self.network)

    def up(self, made: Release, slot: str = "blue") -> dict[str, Any]:
        """Have it run; what Docker knows of the container."""
        slots.create(self.at, made.manifest, "any", slot, [1])
        [found] = docker.containers(self.at.app, service="any", slot=slot)
        return docker.inspect(found["id"])

    def clear(self) -> None:
        """Remove what runs."""
        for one in docker.containers(self.at.app, service="any"):
            docker.remove(one["id"])


@pytest.fixture(scope="module", autouse=True)
def plugins() -> Iterator[None]:
    """Compose is where the lab has it: where the plugins of docker lie depends on the machine."""
    run = command.run
    with pytest.MonkeyPatch.context() as patch:
        config = {"DOCKER_CONFIG": str(paths.DOCKER_CONFIG)}
        patch.setattr(command, "run", lambda argv, s, given: run(argv, s, {**given, **config}))
        yield


@pytest.fixture
def host(tmp_path: Path, network: Network) -> Iterator[Host]:
    """A folder where nothing is released; its containers are gone afterwards."""
    host = Host(tmp_path, network)
    yield host
    host.clear()


@pytest.fixture(scope="session")
def entry(lab_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with an entry point that runs nothing of what it is given."""
    folder = tmp_path_factory.mktemp("entry")
    lines = [f"FROM {BASE}", 'ENTRYPOINT ["echo", "the entry point has"]', 'CMD ["nothing"]']
    (folder / "Dockerfile").write_text("\n".join([*lines, "USER nobody", ""]))
    tag = "delight-image-test/entry"
    run_docker("build", "--quiet", f"--tag={tag}", str(folder))
    yield tag
    run_docker("rmi", tag)


@pytest.mark.promise("S4")
@settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(VALUES, min_size=30, max_size=60))
def test_a_value_arrives_as_it_is(network: Network, values: list[str]) -> None:
    """As a setting, and as a secret both ways; and whoever shows a log knows each of them."""
    names = [f"V{number}" for number in range(len(values))]
    spec = {
        "env": {f"SETTING_{name}": value for name, value in zip(names, values, strict=True)},
        "secrets": [*(f"F_{n}" for n in names), *({"name": f"E_{n}", "deliver": "env"} for n in names)],
        "check": ["true"],
    }  # fmt: skip
    secrets = {f"{how}_{n}": v for how in "FE" for n, v in zip(names, values, strict=True)}
    with tempfile.TemporaryDirectory() as folder:
        host = Host(Path(folder), network)
        made, place = host.release(spec, secrets)
        ran = once.run_once(host.at, made.id, "any", ["python3", "-c", TELL], BOUND_S)
        assert ran.status == 0, ran.lines()
        told = json.loads(ran.stdout)
        known = redact.of_release(place)
    found = {name: b64decode(value).decode() for name, value in told.items()}
    for name, value in zip(names, values, strict=True):
        assert found[f"SETTING_{name}"] == value
        assert found[f"E_{name}"] == value
        assert found[f"file:F_{name}"] == value
        assert found[f"F_{name}_FILE"] == f"/run/secrets/F_{name}"
        assert len(value.strip()) < redact.SHORTEST or known.fullmatch(value.strip())


def says(container: str, line: str) -> None:
    """Wait until it has said a line."""
    wait_until(lambda: line in docker.logs(container, 5), line)


@pytest.mark.promise("W8")
def test_an_entry_point_is_replaced_where_that_is_said_and_for_commands(
    host: Host, entry: str
) -> None:
    made, _ = host.release({"check": ["echo", "a check"]}, image=entry)
    ran = once.run_once(host.at, made.id, "any", ["echo", "a check"], BOUND_S)
    assert (ran.status, ran.stdout) == (0, "a check\n")

    said = {"entrypoint": ["echo", "another has"], "command": ["this"], "user": "65534:65534"}
    for spec, log in (({}, "the entry point has nothing"), (said, "another has this")):
        found = host.up(host.release(spec, image=entry)[0])
        says(found["Id"], log)
        host.clear()
    quiet = {"entrypoint": [], "command": ["sleep", "1000"]}
    assert host.up(host.release(quiet, image=entry)[0])["Path"] == "sleep"


@pytest.mark.promise("W8")
def test_a_container_has_no_more_than_its_service_asks_for(host: Host) -> None:
    found = host.up(host.release({"command": ["sleep", "1000"]})[0])
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert not found["HostConfig"]["CapAdd"]
    assert found["HostConfig"]["ReadonlyRootfs"] and found["HostConfig"]["Init"]
    assert run_docker("exec", found["Id"], "id", "-u").stdout == "10001\n"
    assert run_docker("exec", found["Id"], "touch", "/var/x", check=False).returncode == 1
    assert run_docker("exec", found["Id"], "cp", "/bin/true", COPY).returncode == 0
    assert run_docker("exec", found["Id"], COPY, check=False).returncode == 126


@pytest.mark.promise("W8")
def test_a_container_has_what_its_service_asks_for(host: Host) -> None:
    spec = {
        "command": ["sleep", "1000"],
        "user": "0:0",
        "root": True,
        "capabilities": ["SETUID", "CHOWN"],
        "init": False,
        "read_only": False,
        "writable": [{"path": "/var/cache/x", "size": "3m", "mode": "0711", "exec": True}],
        "shm": "128m",
        "cpus": 0.5,
        "processes": 77,
        "open_files": 2048,
        "memory": "64m",
    }
    found = host.up(host.release(spec)[0])

    def output(*words: str) -> str:
        return run_docker("exec", found["Id"], *words).stdout.strip()

    assert output("id", "-u") == "0"
    status = output("cat", "/proc/1/status").splitlines()
    # The bits of CHOWN (0) and SETUID (7), see capability.h.
    assert "CapEff:\t0000000000000081" in status
    assert output("cat", "/proc/1/comm") == "sleep"
    assert output("sh", "-c", "touch /var/x && ls /var/x") == "/var/x"
    assert output("stat", "-c", "%a", "/var/cache/x") == "711"
    assert (
        output("sh", "-c", "cp /bin/true /var/cache/x/ && /var/cache/x/true && echo ran") == "ran"
    )
    assert output("df", "--output=size", "-BM", "/var/cache/x").split()[-1] == "3M"
    assert output("df", "--output=size", "-BM", SHARED).split()[-1] == "128M"
    assert output("sh", "-c", "ulimit -n") == "2048"
    assert found["HostConfig"]["NanoCpus"] == 500_000_000
    assert found["HostConfig"]["PidsLimit"] == 77


@pytest.mark.promise("W8")
def test_a_plain_user_may_listen_on_a_privileged_port(host: Host) -> None:
    spec = {"port": 80, "command": ["python3", "-m", "http.server", "80"]}
    found = host.up(host.release(spec)[0])
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:80/').status)"

    def answers() -> bool:
        done = run_docker("exec", found["Id"], "python3", "-c", ask, check=False)
        return done.stdout == "200\n"

    wait_until(answers, "it answers on port 80")


@pytest.mark.promise("W8")
@pytest.mark.parametrize(
    ("command", "seen"), [(["true"], ["CMD", "true"]), ([], ["NONE"]), (None, None)]
)
def test_a_health_command_of_its_own(
    host: Host, command: list[str] | None, seen: list[str] | None
) -> None:
    spec: dict[str, Any] = {"command": ["sleep", "1000"], "health": {"command": command}}
    found = host.up(host.release(spec)[0])
    assert (found["Config"].get("Healthcheck") or {}).get("Test") == seen


# Says when it is asked to end, and when it has.
POLITE = """
import signal, subprocess, sys
def end(*_):
    print("asked", flush=True); subprocess.run([sys.executable, "-c", ""]); print("stopped", flush=True); sys.exit()
signal.signal(signal.SIGTERM, end)
print("begun", flush=True)
while True: signal.pause()
"""


@pytest.mark.promise("G1")
@pytest.mark.parametrize("init", [True, pytest.param(False, marks=pytest.mark.full)])
def test_what_a_shell_has_started_gets_its_grace(host: Host, init: bool) -> None:
    """Be the shell the first process or below one; what it does afterwards is done, too."""
    command = ["sh", "-c", f"python3 -c '{POLITE}'; echo over"]
    made = host.release({"command": command, "init": init})[0]
    found = host.up(made)
    says(found["Id"], "begun")
    ending.end(found["Id"], 20)
    assert docker.logs(found["Id"], 9).split() == ["begun", "asked", "stopped", "over"]
    assert docker.inspect(found["Id"])["State"]["ExitCode"] == 0


@pytest.mark.promise("G1")
@pytest.mark.full
def test_a_shell_that_starts_the_next_in_a_loop_ends_too(host: Host) -> None:
    command = ["sh", "-c", f"while true; do python3 -c '{POLITE}'; done"]
    found = host.up(host.release({"command": command})[0])
    says(found["Id"], "begun")
    ending.end(found["Id"], 20)
    assert docker.logs(found["Id"], 9).split()[:3] == ["begun", "asked", "stopped"]
    assert docker.inspect(found["Id"])["State"]["Status"] == "exited"


@pytest.mark.promise("W8")
def test_a_replica_has_names_of_its_own_and_is_told_what_its_slot_is(host: Host) -> None:
    made = host.release({"port": 80, "command": ["sleep", "1000"]})[0]
    ids = {slot: host.up(made, slot)["Id"] for slot in ("blue", "green")}

    def output(slot: str, *words: str) -> str:
        return run_docker("exec", ids[slot], *words, check=False).stdout.strip()

    assert output("blue", "hostname") == "web-1-example-com-any-blue-1"
    assert output("green", "hostname") == "web-1-example-com-any-green-1"
    assert output("blue", "getent", "hosts", "any-green-1").split()[0].endswith(".1.201")
    assert output("blue", "getent", "hosts", "any-1") == "", "no name reaches both slots"
    assert output("blue", "getent", "hosts", "any.internal").split()[0].endswith(".255.254")

    for routes, live in (({}, ""), ({"*/": "any-blue"}, "blue"), ({"*/": "any-green"}, "green")):
        told.follow(host.at.root, routes)
        for slot in ids:
            assert output(slot, "cat", "/run/delight/slot") == ("live" if slot == live else "idle")
    assert output("blue", "touch", "/run/delight/x") == ""
