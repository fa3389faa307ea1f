"""Release playbooks as users run them, over hosts that break off in ways of their own.

The hosts are folders of this machine; what plays their Python is an agent that answers each act with a canned
outcome, and does what the test says before it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from delight.conductor import PHASES

from tests.unit.engine.conftest import KEY, make_look

ROOT = Path(__file__).resolve().parents[2]
AGENT = """\
#!{python}
import json, os, signal, sys
os.chdir({folder!r})
sys.stdin.buffer.readline()
print("a login shell that prints", flush=True)
print("DELIGHT-AGENT have", flush=True)
for line in sys.stdin.buffer:
    said = json.loads(line)
    if "beat" in said:
        continue
    with open("acts", "a") as file:
        file.write(said["act"] + "\\n")
    if os.path.exists("on_" + said["act"]):
        exec(open("on_" + said["act"]).read())
    answer = json.load(open(said["act"])) if os.path.exists(said["act"]) else {{"outcome": "ok"}}
    print(json.dumps({{"outcome": answer}}), flush=True)
"""
DIES = "print('no memory left', file=sys.stderr, flush=True); os._exit(1)"
# What Ansible's own alarm does when the time of a task is over, without the wait: its workers are the
# children of the playbook beside the conductor, which is this agent's parent or its parent's.
TIME_IS_OVER = """
def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])

conductor = os.getppid()
while b"delight.process" not in open(f"/proc/{conductor}/cmdline", "rb").read():
    conductor = parent(conductor)
playbook = parent(conductor)
children = open(f"/proc/{playbook}/task/{playbook}/children").read().split()
# The youngest: that of the task before may still be about to end, and no task of its own is timed any more.
os.kill([int(child) for child in children if int(child) != conductor][-1], signal.SIGALRM)
"""
COMMON: dict[str, Any] = {
    "ansible_connection": "local",
    "ansible_become": False,
    "env_name": "test",
    "version": "v1",
    "images": {"api": f"sha256:{'1' * 64}"},
    "services": {"api": {"image": "registry.test/api", "port": 8000, "routes": [{"path": "/"}]}},
    "secrets": {},
    "compromised_secrets": {},
    "release_hmac_key": KEY,
    "registry_password": "",
    "registry_ca": "",
    "database_max_connections": 0,
}


# A task of the user's that needs no Python on its host.
FAILS = {"name": "Ours", "ansible.builtin.fail": {}, "when": "inventory_hostname == 'app2'"}
SAYS = {"name": "Told", "ansible.builtin.debug": {"msg": "a word of the user's"}}


class Hosts:
    """An environment in a folder; `variables` are those of single hosts."""

    def __init__(self, folder: Path, variables: dict[str, dict[str, Any]]) -> None:
        self.folder = folder
        hosts = {}
        for name, own in variables.items():
            (folder / name).mkdir()
            agent = folder / name / "python"
            agent.write_text(AGENT.format(python=sys.executable, folder=str(folder / name)))
            agent.chmod(0o755)
            self.says(name, "look", make_look())
            hosts[name] = {"ansible_python_interpreter": str(agent), **own}
        (folder / "hosts.json").write_text(json.dumps({"app": {"hosts": hosts}}))
        (folder / "common.json").write_text(json.dumps({**COMMON, "release_root": "/srv/delight"}))

    def says(self, host: str, act: str, outcome: dict[str, Any]) -> None:
        (self.folder / host / act).write_text(json.dumps(outcome))

    def on(self, host: str, act: str, script: str) -> None:
        """Do something on the host before an act is answered."""
        (self.folder / host / f"on_{act}").write_text(script)

    def hooks(self, *tasks: dict[str, Any]) -> Path:
        """A folder with the user's own tasks. The hosts' Python is none that a module could run with."""
        folder = self.folder / "hooks"
        folder.mkdir()
        (folder / "before_switch.yml").write_text(json.dumps(tasks))
        return folder

    def acts(self, host: str) -> list[str]:
        file = self.folder / host / "acts"
        return file.read_text().split() if file.exists() else []

    def play(self, *words: str, name: str = "deploy", **environment: str) -> tuple[int, str]:
        """(status, what was printed with its line breaks removed)."""
        done = self.run(*words, name=name, **environment)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def run(
        self, *words: str, name: str = "deploy", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """The ended playbook."""
        ansible = Path(sys.executable).parent / "ansible-playbook"
        env = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        inventory = ("-i", self.folder / "hosts.json", "-e", f"@{self.folder / 'common.json'}")
        done = subprocess.run(
            [ansible, f"{name}.yml", *inventory, *words],
            cwd=ROOT,
            env=env | {"TMPDIR": str(self.folder), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        deadline = time.monotonic() + 30
        while list(self.folder.glob("delight-*/*")):
            assert time.monotonic() < deadline, "the conductor has left its folder"
            time.sleep(0.01)
        return done


@pytest.fixture
def pair(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path, {"app1": {}, "app2": {}})


WHOLE = ["look", "lock", "prepare", "stage", "switch", "settle"]


def test_a_deploy_asks_every_host_for_its_acts_in_order(pair: Hosts) -> None:
    status, output = pair.play()
    assert (status, "RELEASED v1-" in output) == (0, True), output
    assert (pair.acts("app1"), pair.acts("app2")) == (WHOLE, WHOLE)


@pytest.mark.promise("R2")
def test_no_host_is_released_without_its_outcome(pair: Hosts) -> None:
    pair.on("app2", "settle", DIES)
    status, output = pair.play()
    assert (status, "RELEASED" in output) == (22, False), output
    last = output.partition("NEEDS ATTENTION: ")[2]
    assert "app2: settle gave no outcome: no memory left" in last
    assert "app1: " not in last


@pytest.mark.promise("R1")
def test_a_host_whose_agent_dies_is_put_back_with_the_others(pair: Hosts) -> None:
    pair.on("app2", "stage", DIES)
    status, output = pair.play()
    assert (status, "ROLLED BACK: " in output) == (21, True), output
    assert "app2: stage gave no outcome: no memory left" in output
    for host in ("app1", "app2"):
        assert pair.acts(host) == [*WHOLE[:4], "undo"]


@pytest.mark.promise("R2")
def test_a_task_whose_time_is_over_puts_every_host_back(pair: Hosts) -> None:
    pair.on("app1", "stage", TIME_IS_OVER)
    status, output = pair.play(ANSIBLE_TASK_TIMEOUT="600")
    assert (status, "ROLLED BACK: " in output) == (21, True), output
    assert "stopped: the playbook ended before it was through" in output
    assert pair.acts("app2")[-1] == "undo"


@pytest.mark.promise("R2")
def test_a_task_of_the_user_that_fails_on_a_host_puts_every_host_back(pair: Hosts) -> None:
    hooks = pair.hooks(FAILS)
    status, output = pair.play("-e", f"hooks={hooks}")
    assert (status, "ROLLED BACK: " in output) == (21, True), output
    assert "app2: a task before this phase failed there" in output
    for host in ("app1", "app2"):
        assert pair.acts(host) == [*WHOLE[:4], "undo"]


def test_a_variable_of_one_host_alone_is_refused_before_any_host_is_asked(tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, {"app1": {}, "app2": {"release_keep": 9}})
    status, output = hosts.play()
    assert status == 20, output
    assert "release_keep: is another one on app2 than on app1; a fleet has one config" in output
    assert (hosts.acts("app1"), hosts.acts("app2")) == ([], [])


def test_a_variable_that_cannot_be_resolved_is_named_and_its_value_is_not(pair: Hosts) -> None:
    words = json.dumps(
        {"secrets": {"X": "{{ 'hunter22' ~ env_name | nofilter }}"}, "version": "{{ nowhere }}"}
    )
    status, output = pair.play("-e", words)
    assert status == 20, output
    assert "version: 'nowhere' is undefined" in output
    assert "secrets: " in output
    assert pair.acts("app1") == []


def test_check_mode_only_looks(pair: Hosts) -> None:
    status, output = pair.play("--check")
    assert (status, "PLANNED: v1-" in output) == (0, True), output
    assert (pair.acts("app1"), pair.acts("app2")) == (["look"], ["look"])


def test_a_phase_that_is_left_out_on_the_command_line_has_its_turn_all_the_same(
    pair: Hosts,
) -> None:
    status, output = pair.play("--start-at-task", "Switch the traffic")
    assert (status, "RELEASED v1-" in output) == (0, True), output
    assert pair.acts("app2") == WHOLE


def test_a_folder_of_callbacks_of_the_users_own_hides_none_of_the_projects(pair: Hosts) -> None:
    (pair.folder / "callbacks").mkdir()
    pair.says("app1", "stage", {"outcome": "failed", "reason": "no room"})
    done = pair.run(ANSIBLE_CALLBACK_PLUGINS=str(pair.folder / "callbacks"))
    assert (done.returncode, "TASK [" in done.stdout) == (21, False), done.stdout


# -- what is printed


def test_a_failed_deploy_tells_each_thing_once_and_the_reason_last(pair: Hosts) -> None:
    for host, hour in (("app1", 10), ("app2", 11)):
        logs = [f"at {hour}:00:00 line number {number}" for number in range(40)]
        sick = {"name": "delight-api-blue-1", "event": "exited", "reason": "it exited with 1",
                "answer": "", "health_log": [], "logs": [*logs, "NoSuchModule: redis"]}  # fmt: skip
        reason = f"{sick['name']}: {sick['reason']}"
        pair.says(host, "stage", {"outcome": "failed", "reason": reason, "sick": [sick]})
    done = pair.run()
    assert done.returncode == 21
    lines = done.stdout.splitlines()
    assert lines[-2:] == [
        "ROLLED BACK: no release serves on app1, app2",
        "  app1, app2: delight-api-blue-1: it exited with 1",
    ]
    evidence = [line for line in lines if line.startswith("     │ ")]
    assert (len(evidence), evidence[-1]) == (15, "     │ NoSuchModule: redis")
    assert done.stdout.count("it exited with 1") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("-e", "services=api"), 20, "services: must be a mapping of service names"),
        (("-e", "env_name=CHANGE_ME"), 20, "this environment is not filled in yet."),
        (("-e", "skip_gate=perhaps"), 20, "skip_gate: is neither true nor false"),
    ],
)
def test_a_refusal_is_told_once(pair: Hosts, words: tuple[str], status: int, said: str) -> None:
    done = pair.run(*words)
    printed = done.stdout + done.stderr
    assert (done.returncode, printed.count(said)) == (status, 1), printed
    assert not any(word in printed for word in ("TASK [", "PLAY", "fatal:", "ERROR")), printed


def test_banners_and_recap_of_a_release_are_shown_where_they_are_asked_for(pair: Hosts) -> None:
    plain, asked = pair.run().stdout, pair.run("-v").stdout
    for word in ("PLAY [", "TASK [", "ok: [", "PLAY RECAP"):
        assert (word in plain, word in asked) == (False, True), word
    assert "RELEASED v1-" in plain and "RELEASED v1-" in asked


def test_what_the_users_own_tasks_say_and_fail_with_is_shown(pair: Hosts) -> None:
    done = pair.run("-e", f"hooks={pair.hooks(SAYS, FAILS)}")
    assert (done.returncode, "TASK [release : Ours]" in done.stdout) == (21, True), done.stdout
    assert "a word of the user's" in done.stdout
    assert "fatal: [app2]: FAILED!" in done.stdout
    assert "ok: [app1]" not in done.stdout.partition("TASK [release : Ours]")[2]


@pytest.mark.promise("R8")
def test_for_machines_each_line_is_an_event_and_the_last_one_the_outcome(pair: Hosts) -> None:
    done = pair.run("-e", f"hooks={pair.hooks(SAYS, FAILS)}", DELIGHT_OUTPUT="json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 21
    assert told[0]["event"] == "run"
    assert [one["phase"] for one in told if one["event"] == "phase_ended"] == list(PHASES)
    assert (told[-1]["outcome"], told[-1]["exit_status"]) == ("rolled back", 21)
    assert told[-1]["reasons"] == {"app2": "a task before this phase failed there"}
    assert "fatal: [app2]: FAILED!" in done.stderr
    assert "a word of the user's" in done.stderr


def test_status_looks_and_says_what_is_there(pair: Hosts) -> None:
    status, output = pair.play(name="status")
    assert (status, "app2: live nothing" in output) == (0, True), output
    assert pair.acts("app2") == ["look"]


@pytest.mark.promise("R8")
@pytest.mark.parametrize("name", ["deploy", "rollback", "recover"])
def test_without_hosts_nothing_ends_well(tmp_path: Path, name: str) -> None:
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {}}}))
    (tmp_path / "common.json").write_text("{}")
    hosts = Hosts.__new__(Hosts)
    hosts.folder = tmp_path
    status, output = hosts.play(name=name)
    assert (status, "no environment is chosen: add `-i local`" in output) == (1, True), output


@pytest.mark.promise("R8")
def test_a_limit_that_leaves_no_application_host_is_no_success(pair: Hosts) -> None:
    inventory: dict[str, Any] = {"app": {"hosts": {"app1": {}}}, "data": {"hosts": {"data1": {}}}}
    (pair.folder / "hosts.json").write_text(json.dumps(inventory))
    status, output = pair.play("--limit", "data1")
    assert (status, "No application host was found" in output) == (1, True), output
