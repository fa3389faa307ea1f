"""The reading of commands in the documentation, which tests of pages rest on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pages import Command, blocks, commands, differs

PAGE = """
Some words.

<!-- not run: a reason -->
```sh
make nothing
```

```console
$ first --option \\
    second
it took 1.5 s
$ silent
$ last
…
```
"""


def test_commands_and_what_they_print(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert commands(page) == [
        Command("first --option \\\n    second", ("it took 1.5 s",)),
        Command("silent", None),
        Command("last", ("…",)),
    ]
    assert [(block.kind, block.note) for block in blocks(page)] == [
        ("sh", "not run: a reason"),
        ("console", ""),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "first"),
    [
        (("it took 1.5 s",), "it took 20 s\n", ""),
        (("at 2026-01-02T03:04:05Z",), "at 2026-11-28T10:20:30Z", ""),
        (("a", "…", "z"), "a\nb\nc\nz\n", ""),
        (("a", "…"), "a\nb\n", ""),
        (("…", "a", "b"), "a\nc\na\nb\n", ""),
        (("a",), "a\nb\n", "nothing more, but it prints more"),
        (("a", "c"), "a\nb\nc\n", "c"),
        (("released … on app1",), "released v1 on app1", ""),
        (("released … on app2",), "released v1 on app1", "released … on app2"),
    ],
)
def test_what_counts_as_the_same(shown: tuple[str, ...], printed: str, first: str) -> None:
    assert differs(shown, printed) == first
