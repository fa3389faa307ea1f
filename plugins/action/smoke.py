"""Asks a deployed environment what its users ask, from this machine, and changes nothing.

`smoke: {url: …, checks: {name: {path, status, text, json}}, release: "", user: {}, timeout_s: 10,
ca_file: ""}` asks all checks at once and says how each went. With `release`, an answer must name it; with
`user` (`id`, `secret_key`, `issuer`, `api`, `path`) a test user signs in and asks too. Returns `text`, the
last word of the run, and `exit_status`, which callback `outcome` ends it with.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible.plugins.action import ActionBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import clerk, smoke
from delight.decide import EXIT_STATUS, REFUSED, SMOKE_FAILED
from delight.errors import ConfigError
from delight.smoke import Answer

MAX_BODY = 1 << 20  # bytes of an answer that are read


def ask(url: str, timeout_s: float, ca_file: str = "", token: str = "") -> Answer:
    """What a GET brings, of a user with a session's token; a redirect is an answer like any other."""
    began = time.monotonic()
    try:
        answer = open_url(
            url,
            timeout=timeout_s,
            ca_path=ca_file or None,
            follow_redirects="none",
            http_agent="delight-smoke",
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
    except HTTPError as error:
        answer = error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return Answer(error=f"no answer ({reason})", took_s=time.monotonic() - began)
    with answer:
        body = answer.read(MAX_BODY).decode(errors="replace")
        return Answer(int(answer.getcode()), body, "", time.monotonic() - began)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs once, opens no connection to a host, and is the same in check mode."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset({"url", "checks", "release", "user", "timeout_s", "ca_file"})

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self._task.args
        try:
            checks = smoke.validate(args["url"], args["checks"])
            user = smoke.user_of(args.get("user"))
        except ConfigError as error:
            return result | {"failed": True, "outcome": REFUSED, "msg": f"Refused: {error}"}
        with ThreadPoolExecutor(max_workers=8) as pool:
            found = list(pool.map(self._ask, checks.values()))
        if user:
            checks["sign-in"] = smoke.Check(path=user.path)
            found.append(self._sign_in(user))
        wrong = []
        for (name, check), answer in zip(checks.items(), found, strict=True):
            problem = smoke.judge(check, answer)
            self._say(name, check.path, answer, problem)
            wrong += [f"{name}: {problem}"] if problem else []
        problem = smoke.missing_release(str(args.get("release") or ""), found)
        wrong += [problem] if problem else []
        word = f"{SMOKE_FAILED} at" if wrong else "all well at"
        text = "\n  → ".join([f"{word.upper()} {args['url']}", *wrong])
        return result | {"text": text, "exit_status": EXIT_STATUS[SMOKE_FAILED] if wrong else 0}

    def _say(self, name: str, path: str, answer: Answer, problem: str) -> None:
        mark = "failed" if problem else "ok"
        line = f"  {mark:<7} {name:<12} {path:<28} {answer.took_s * 1000:5.0f} ms  {problem}"
        self._display.display(line.rstrip(), color="red" if problem else "green")

    def _ask(self, check: smoke.Check, token: str = "") -> Answer:
        ca_file = str(self._task.args.get("ca_file") or "")
        return ask(self._base() + check.path, self._timeout_s(), ca_file, token)

    def _sign_in(self, user: clerk.User) -> Answer:
        """What the user is answered; the origin that signs in is the environment's own."""
        began = time.monotonic()
        try:
            with clerk.signed_in(user, self._base(), self._timeout_s()) as token:
                return self._ask(smoke.Check(path=user.path), token)
        except clerk.ClerkError as error:
            return Answer(error=str(error), took_s=time.monotonic() - began)

    def _base(self) -> str:
        return str(self._task.args["url"]).rstrip("/")

    def _timeout_s(self) -> float:
        return float(self._task.args.get("timeout_s") or 10)
