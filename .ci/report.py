"""What the checks found, as Markdown: for the summary of a run and the comment of a pull request.

`python .ci/report.py` reads .cache/checks (steps, their logs, the sizes of the images) and writes
.cache/checks/report.md; the sizes are compared with those in .cache/sizes.json and take their place.
Standard library only: it runs where nothing is installed. Ends with 1 if a step did not pass.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parents[1] / ".cache"
COVERAGE = {
    "backend": re.compile(r"Total coverage: ([0-9.]+)%"),
    "frontend": re.compile(r"^Lines +: ([0-9.]+)%", re.MULTILINE),
}


@dataclass(frozen=True)
class Step:
    """One step, as `bin/step` remembers it; `result` is passed, timed-out or failed(status)."""

    name: str
    result: str
    passed: int
    failed: int
    seconds: int


def steps(folder: Path) -> list[Step]:
    """All steps that have ended, by name."""
    found = []
    for file in sorted(folder.glob("*.step")):
        name, result, passed, failed, seconds = file.read_text().split()
        found.append(Step(name, result, int(passed), int(failed), int(seconds)))
    return found


def coverage(folder: Path) -> dict[str, str]:
    """{step: percentage of lines that its tests ran}."""
    found = {}
    for name, pattern in COVERAGE.items():
        log = folder / f"{name}.log"
        if log.exists() and (match := pattern.search(log.read_text(errors="replace"))):
            found[name] = match[1]
    return found


def sizes(file: Path) -> dict[str, int]:
    """{image: bytes}; nothing where there is no file."""
    found: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    return found


def render(
    done: list[Step],
    covered: Mapping[str, str],
    now: Mapping[str, int],
    before: Mapping[str, int],
    unstable: str,
) -> str:
    """The report."""
    bad = [step.name for step in done if step.result != "passed"]
    verdict = f"failed: {', '.join(bad)}" if bad else "all passed" if done else "nothing was run"
    lines = [f"### Checks: {verdict}", ""]
    lines += ["| step | result | tests | coverage | time |", "|---|---|---:|---:|---:|"]
    for step in done:
        tests = f"{step.passed}" + (f" of {step.passed + step.failed}" if step.failed else "")
        share = f"{covered[step.name]} %" if step.name in covered else ""
        clock = f"{step.seconds // 60}:{step.seconds % 60:02}"
        lines.append(f"| {step.name} | {step.result} | {tests} | {share} | {clock} |")
    if now:
        lines += ["", "| image | size | change |", "|---|---:|---:|", *_images(now, before)]
    if unstable.strip():
        lines += ["", "Unstable, told twice:", "```", unstable.strip(), "```"]
    return "\n".join(lines) + "\n"


def _images(now: Mapping[str, int], before: Mapping[str, int]) -> Iterator[str]:
    for name, size in sorted(now.items()):
        change = f"{(size - before[name]) / 1e6:+.1f} MB" if name in before else "new"
        yield f"| {name} | {size / 1e6:.1f} MB | {change} |"


def main() -> int:
    """Write the report, and show it."""
    folder = CACHE / "checks"
    done, now = steps(folder), sizes(folder / "sizes.json")
    unstable = folder / "unstable.txt"
    told = unstable.read_text() if unstable.exists() else ""
    text = render(done, coverage(folder), now, sizes(CACHE / "sizes.json"), told)
    (folder / "report.md").write_text(text)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(text)
    if now:
        (CACHE / "sizes.json").write_text(json.dumps(now))
    print(text, end="")
    return int(not done or any(step.result != "passed" for step in done))


if __name__ == "__main__":
    sys.exit(main())
