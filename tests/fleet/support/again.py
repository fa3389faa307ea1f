"""A story that fails is told once more; one that holds then is not lost, it is named.

Real hosts on a shared machine fail for reasons of the machine, too. What passed only at the second
time stands under "unstable" and in a file beside the logs; more than two of them fail the run.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.runner import runtestprotocol

from tests.fleet.support.playing import ROOT

REPORT = ROOT / ".cache/checks/unstable.txt"
ALLOWED = 2
_unstable: dict[str, str] = {}


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a story, and once more if it failed."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if first := failure(reports):
        # pytest keeps what fixtures made in the item; the second time they are made anew.
        item._initrequest()  # type: ignore[attr-defined]
        again = runtestprotocol(item, log=False, nextitem=nextitem)
        if failure(again):
            reports = [*reports, *again]
        else:
            reports = again
            remember(item.nodeid, first)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def failure(reports: Iterable[pytest.TestReport]) -> str:
    """What the failed parts of a story said; empty when none failed."""
    return "\n".join(f"{one.when}: {one.longreprtext}" for one in reports if one.failed)


def remember(story: str, said: str) -> None:
    """Keep what an unstable story said the first time."""
    _unstable[story] = said
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    with REPORT.open("a", encoding="utf-8") as file:
        file.write(f"{story}\n" + "".join(f"    {line}\n" for line in said.splitlines()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the unstable stories."""
    if _unstable:
        terminalreporter.section("unstable: failed, then held when told once more")
        for story, said in _unstable.items():
            terminalreporter.write_line(f"{story}: {said.splitlines()[-1]}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Too many unstable stories are a failure of their own."""
    if len(_unstable) > ALLOWED:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
