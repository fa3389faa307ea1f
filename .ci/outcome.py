"""How a deploy, a migration or a rollback ended, for the summary of a job on GitHub.

`python .ci/outcome.py RESULT` reads the playbook's result file, prints the engine's own summary and
appends it to the file that $GITHUB_STEP_SUMMARY names. The release that the run was about goes to the
later steps as $RELEASE, by the file that $GITHUB_ENV names. Runs on a bare Python; ends with 0 whatever
the outcome was, because the step before has failed for it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "plugins/module_utils"))

from delight import report  # noqa: E402 (found by the line above)

NOTHING = "The run ended without an outcome: its log says why, and status.yml what serves."


def markdown(result: dict[str, Any], environment: str) -> str:
    """The summary: a heading with the outcome, and the engine's text below it."""
    if not result:
        return f"### {environment}: no outcome\n\n{NOTHING}\n"
    # A log line of the application may hold whatever it likes, the end of a block of code included.
    text = report.summary(result)
    fence = "`" * max(3, 1 + longest_run(text, "`"))
    return f"### {environment}: {result['outcome']}\n\n{fence}text\n{text}\n{fence}\n"


def longest_run(text: str, sign: str) -> int:
    """How often `sign` stands in a row at most."""
    longest = 0
    while sign * (longest + 1) in text:
        longest += 1
    return longest


def append(variable: str, text: str) -> None:
    """Append to the file that an environment variable names, if it names one."""
    if name := os.environ.get(variable):
        with open(name, "a", encoding="utf-8") as file:
            file.write(text)


def main(file: Path) -> int:
    """Show the result."""
    result = json.loads(file.read_text()) if file.exists() else {}
    text = markdown(result, os.environ.get("ENVIRONMENT", "result"))
    print(text, end="")
    append("GITHUB_STEP_SUMMARY", text)
    append("GITHUB_ENV", f"RELEASE={result.get('to') or ''}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
