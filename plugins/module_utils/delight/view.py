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
        """{host: outcome} of an act, of the hosts where it was tried."""
        found = {host: self.registered(host, name) for host in self.hosts}
        return {h: o for h, o in found.items() if o and o.get("outcome", "skipped") != "skipped"}

    def decision(self, name: str) -> dict[str, Any]:
        """The result of a decision; empty before it was taken."""
        return self.registered(self.play_hosts[0], name) or {}

    def acts(self) -> dict[str, dict[str, dict[str, Any]]]:
        """{act: {host: outcome}} of every act of the release that was tried."""
        tried = {name: self.act(name) for name in RELEASE_ACTS}
        return {name: outcomes for name, outcomes in tried.items() if outcomes}

    def looks(self) -> dict[str, dict[str, Any]]:
        """{host: look}, after mending where there was something to mend."""
        found = self.act("look")
        return found | {h: o["look"] for h, o in self.act("mend").items() if "look" in o}

    def permits(self, name: str) -> bool:
        """Whether the fleet's decisions so far let this host do the act `name`."""
        plan = self.decision("plan")
        going = plan.get("outcome") == "go"
        mine = plan.get("hosts", {}).get(self.host, {})
        match name:
            case "look":
                return True
            case "mend":
                decided = self.decision("recovery")
                return decided.get("do") in ("undo", "finish") and self.host in decided["hosts"]
            case "lock":
                return going and self._several and self.host == self.first
            case "prepare":
                return going and (self._all_ok("lock") or not self._several)
            case "migrate":
                return (
                    going
                    and bool(plan["migrate"])
                    and self.host == self.first
                    and self._all_ok("prepare")
                )
            case "stage":
                return self._decided("may_stage") and bool(mine["stage"])
            case "switch":
                return self._decided("may_switch")
            case "workers":
                return (
                    self._decided("may_switch") and self._all_ok("switch") and bool(mine["workers"])
                )
            case "seal":
                seals = any(one["seal"] for one in plan["hosts"].values())
                return self._decided("stands") and self._several and seals
            case "settle":
                return self._decided("stands") and not self._failed("seal")
            case "undo":
                return going and self._claimed() and not self._decided("stands")
        raise ValueError(f"no act is called {name}")

    def _decided(self, name: str) -> bool:
        return bool(self.decision(name).get("go"))

    def _claimed(self) -> bool:
        """Whether this run may be open on the host: it was locked, or nobody knows."""
        locked = [self.act(name).get(self.host) for name in ("lock", "prepare")]
        return any(one and one["outcome"] not in ("busy", "refused") for one in locked)

    def _failed(self, name: str) -> bool:
        return any(outcome["outcome"] != "ok" for outcome in self.act(name).values())

    def _all_ok(self, name: str) -> bool:
        return bool(self.act(name)) and not self._failed(name)
