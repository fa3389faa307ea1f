"""A run as its tasks see it: what every host and every decision has said so far.

Results live where Ansible keeps them, registered as `rollout_<name>`: those of acts with each
host, those of decisions with the first host of the play.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "rollout_"
# In their order; `look` reads, `mend` ends an earlier run, the rest is the release.
RELEASE_ACTS = (
    "lock",
    "prepare",
    "migrate",
    "stage",
    "switch",
    "workers",
    "seal",
    "settle",
    "undo",
)
# Decisions that let the next phase begin.
VERDICTS = ("may_stage", "may_switch", "stands")


def broken_off(said: Mapping[str, Any]) -> bool:
    """Whether a task ended in Ansible's own sense instead of with a result of ours."""
    return bool(said.get("failed") or said.get("unreachable") or said.get("timedout"))


def why_none(name: str, said: Mapping[str, Any] | None) -> str:
    """Why there is no result of ours, in one line and without a value of the configuration."""
    if said is None:
        return f"{name} gave no outcome: it was never begun"
    if said.get("timedout"):
        return f"{name} gave no outcome: it ran out of ANSIBLE_TASK_TIMEOUT"
    if said.get("unreachable"):
        return f"{name} gave no outcome: the host cannot be reached"
    return f"{name} gave no outcome: Ansible ended it with the error shown above"


class View:
    """Reads registered results; `host` is the one whose task is running."""

    def __init__(self, task_vars: Mapping[str, Any]) -> None:
        self._hostvars = task_vars["hostvars"]
        self.play_hosts: list[str] = [str(h) for h in task_vars["ansible_play_hosts_all"]]
        self.hosts = sorted(self.play_hosts)
        self.host = str(task_vars["inventory_hostname"])
        self._cache: dict[str, Mapping[str, Any]] = {}

    @property
    def first(self) -> str:
        """The host that is locked first, migrates, and runs singletons."""
        return self.hosts[0]

    @property
    def _several(self) -> bool:
        """Whether hosts must agree; one alone locks as it prepares and seals as it settles."""
        return len(self.hosts) > 1

    def registered(self, host: str, name: str) -> dict[str, Any] | None:
        """What `host` registered as `rollout_<name>`, or None."""
        if host not in self._cache:
            self._cache[host] = self._hostvars.raw_get(host)
        found = self._cache[host].get(PREFIX + name)
        return None if found is None else dict(found)

    def act(self, name: str) -> dict[str, dict[str, Any]]:
        """{host: outcome} of an act that has had its turn, of the hosts where it was tried.

        A host that owed an outcome and gave none has failed, whatever the cause: its task may have
        ended in an error of Ansible's own, run out of time, or never begun.
        """
        found = {}
        for host in self.hosts:
            said = self.registered(host, name)
            if said is None or "outcome" not in said or broken_off(said):
                if self.permits(name, host):
                    found[host] = {"outcome": "failed", "reason": why_none(name, said)}
            elif said["outcome"] != "skipped":
                found[host] = said
        return found

    def decision(self, name: str) -> dict[str, Any]:
        """The result of a decision; empty before it was taken."""
        return self.registered(self.play_hosts[0], name) or {}

    def undecided(self) -> dict[str, str]:
        """{"fleet": reason} where a decision ended in an error of Ansible's own; it counts as no."""
        failed = [name for name in VERDICTS if broken_off(self.decision(name))]
        return {"fleet": why_none(failed[0], self.decision(failed[0]))} if failed else {}

    def acts(self, before: str = "") -> dict[str, dict[str, dict[str, Any]]]:
        """{act: {host: outcome}} of every act of the release that was tried, up to act `before`."""
        past = RELEASE_ACTS[: RELEASE_ACTS.index(before)] if before else RELEASE_ACTS
        tried = {name: self.act(name) for name in past}
        return {name: outcomes for name, outcomes in tried.items() if outcomes}

    def looks(self) -> dict[str, dict[str, Any]]:
        """{host: look}, after mending where there was something to mend."""
        found = self.act("look")
        return found | {h: o["look"] for h, o in self.act("mend").items() if "look" in o}

    def permits(self, name: str, host: str = "") -> bool:
        """Whether the fleet's decisions so far let `host` (default: this one) do the act `name`.

        Decided by what comes before the act alone, so the answer is the same afterwards.
        """
        host = host or self.host
        plan = self.decision("plan")
        going = plan.get("outcome") == "go"
        mine = plan.get("hosts", {}).get(host, {})
        match name:
            case "look":
                return True
            case "mend":
                decided = self.decision("recovery")
                return decided.get("do") in ("undo", "finish") and host in decided["hosts"]
            case "lock":
                return going and self._several and host == self.first
            case "prepare":
                return going and (self._all_ok("lock") or not self._several)
            case "migrate":
                return (
                    going
                    and bool(plan["migrate"])
                    and host == self.first
                    and self._all_ok("prepare")
                )
            case "stage":
                return self.decided("may_stage") and bool(mine["stage"])
            case "switch":
                return self.decided("may_switch")
            case "workers":
                return (
                    self.decided("may_switch") and self._all_ok("switch") and bool(mine["workers"])
                )
            case "seal":
                seals = any(one["seal"] for one in plan.get("hosts", {}).values())
                return self.decided("stands") and self._several and seals
            case "settle":
                return self.decided("stands") and not self._failed("seal")
            case "undo":
                return going and self._claimed(host) and not self.decided("stands")
        raise ValueError(f"no act is called {name}")

    def decided(self, name: str) -> bool:
        """Whether the verdict `name` was: go on."""
        return bool(self.decision(name).get("go"))

    def _claimed(self, host: str) -> bool:
        """Whether this run may be open on the host: it was locked, or nobody knows."""
        locked = [self.act(name).get(host) for name in ("lock", "prepare")]
        return any(one and one["outcome"] not in ("busy", "refused") for one in locked)

    def _failed(self, name: str) -> bool:
        return any(outcome["outcome"] != "ok" for outcome in self.act(name).values())

    def _all_ok(self, name: str) -> bool:
        return bool(self.act(name)) and not self._failed(name)
