"""What the documentation has its readers type can be typed: it is run by a test, or says why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.pages import blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("*/README.md"),
        *ROOT.glob("roles/*/README.md"),
    ]
)
# Pages whose console blocks are typed on hosts of the lab: tests/local.
TYPED = {"docs/getting-started.md", "docs/deployment.md"}
NO_COMMANDS = {"text", "mermaid", "yaml", "json", "python"}
MESSAGES = ROOT / "docs/deployment.md"
# Where messages are written.
SOURCES = ("plugins", "playbooks", "roles", "bin", ".ci")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_block_is_typed_or_says_why_not(page: Path) -> None:
    for block in blocks(page):
        where = f"{name(page)}: {block.kind or 'a block without a kind'}: {block.body}"
        if block.kind == "console":
            assert name(page) in TYPED, f"{where}\nno test types it"
        elif block.kind == "sh":
            reason = re.fullmatch(r"(not run|run by): (.+)", block.note)
            assert reason, f"{where}\nsay before it `<!-- run by: … -->` or `<!-- not run: … -->`"
            if reason[1] == "run by":
                assert all((ROOT / path).exists() for path in reason[2].split(", ")), where
        else:
            assert block.kind in NO_COMMANDS, where
            typed = re.search(r"^(make|ansible-\w+) ", block.body, re.MULTILINE)
            assert not typed, f"{where}\nis a command: say `console` or `sh`"


def in_words(page: Path) -> Iterator[str]:
    """What stands between backticks in a line of text, or is typed in a block."""
    text = page.read_text(encoding="utf-8")
    yield from re.findall(r"`([^`\n]+)`", text)
    for block in blocks(page):
        yield from block.body.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_targets_playbooks_and_links_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))
    for words in in_words(page):
        for target in re.findall(r"(?:^|\$ )make ([a-z-]+)", words):
            assert target in targets, f"{name(page)}: there is no `make {target}`"
        for playbook in re.findall(r"ansible-playbook ([\w-]+\.yml)", words):
            assert (ROOT / playbook).exists(), f"{name(page)}: there is no {playbook}"
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"https?:|\.\./\.\./actions", link):
            assert (page.parent / link).exists(), f"{name(page)}: {link} leads nowhere"


def test_messages_are_those_that_the_tools_print() -> None:
    text = MESSAGES.read_text().partition("## When something is wrong")[2]
    messages = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    assert len(messages) > 10
    # A message may be broken into several strings or lines of code, and hold values.
    printed = " ".join(
        " ".join(re.sub(r"[\"'\\\\]\s*\n\s*f?[\"']", "", file.read_text(errors="replace")).split())
        for folder in SOURCES
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.suffix in {".py", ".yml", "", ".sh"}
    )
    for message in messages:
        assert message in printed, f"nothing prints: {message}"


def test_criteria_name_what_proves_them() -> None:
    status = yaml.safe_load((ROOT / "docs/sprint-status.yaml").read_text())
    for criterion in status["criteria"]:
        for item in criterion["items"]:
            assert item["status"] in {"done", "partly", "open"}, item
            assert item["status"] == "done" or item["left"], item
            for path in item.get("proof", []):
                assert (ROOT / path).exists(), f"{item['what']}: {path}"
            assert item["status"] != "done" or item["proof"], item
