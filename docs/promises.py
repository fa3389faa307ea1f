"""Which test proves which promise: read from the tests' own marks, without running any."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PROMISES = ROOT / "docs/promises.yml"
# Where a promise may be proved, the cheapest place first: heading, folder, what runs it.
PLACES = {
    "unit": "tests/unit",
    "render": "tests/render",
    "simulation": "tests/simulation",
    "edge": "tests/edge",
    "image": "tests/image",
    "role": "molecule",
    "story": "tests/fleet/core",
    "long story": "tests/fleet/long",
    "page": "tests/local",
}


def declared() -> dict[str, str]:
    """{id: what is promised}."""
    found: dict[str, str] = yaml.safe_load(PROMISES.read_text(encoding="utf-8"))
    return found


def proofs() -> dict[str, dict[str, list[str]]]:
    """{id: {place: [path of a file with tests that prove it]}}."""
    found: dict[str, dict[str, list[str]]] = {}
    for place, folder in PLACES.items():
        for file in sorted((ROOT / folder).rglob("test_*.py")):
            for promise in sorted(set(marks(file))):
                files = found.setdefault(promise, {}).setdefault(place, [])
                files.append(str(file.relative_to(ROOT)))
    return found


def marks(file: Path) -> Iterator[str]:
    """Every id that `pytest.mark.promise(…)` names in a file, on a test or on all of them."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
            yield from (ast.literal_eval(argument) for argument in node.args)


def page() -> str:
    """The reference page."""
    proved = proofs()
    lines = [
        "# What is proved where",
        "",
        "Each promise, and the files with the tests that fail without it. `story` runs on real hosts in",
        "`make test`; what is a `long story` alone only varies a decision, or takes its time, and runs in",
        "`make test-all`.",
        "",
        "| promise | proved in |",
        "|---|---|",
    ]
    for promise, text in declared().items():
        cells = [
            f"{place}: " + ", ".join(f"[{Path(f).stem}](../../{f})" for f in files)
            for place, files in proved.get(promise, {}).items()
        ]
        lines.append(f"| **{promise}** {text} | {'<br>'.join(cells)} |")
    return "\n".join([*lines, "", "Generated from `docs/promises.yml` and the tests' marks.", ""])
