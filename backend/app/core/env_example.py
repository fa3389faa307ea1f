"""Write `.env.example` from the settings: `python -m app.core.env_example > .env.example`."""

import sys
import textwrap
from itertools import groupby
from typing import Any

from app.core.settings_schema import schema

WIDTH = 96
HEADER = """\
# Settings of the backend, made by `python -m app.core.env_example`.
# Any NAME may be given as NAME_FILE instead: the path of a file that holds the value.
# What must be set stands here with an example, what has a default as a comment.
"""


def render() -> str:
    """The whole file, section by section."""
    described = schema()
    blocks = [HEADER]
    settings = described["properties"].items()
    for section, names in groupby(settings, lambda item: item[1]["x-section"]):
        blocks.append(f"# {f'== {section} ':=<{WIDTH - 2}}\n")
        blocks += [_block(name, one, name in described["required"]) for name, one in names]
    return "\n".join(blocks)


def _block(name: str, one: dict[str, Any], required: bool) -> str:
    """Description, what it may be and assignment of one setting."""
    words = [one["description"]]
    if allowed := one.get("enum"):
        words.append(f"One of {', '.join(allowed)}.")
    if one.get("x-secret"):
        words.append("Secret.")
    comment = textwrap.fill(" ".join(words), WIDTH, initial_indent="# ", subsequent_indent="# ")
    value = one["examples"][0] if "examples" in one else one["default"]
    text = ",".join(value) if isinstance(value, list) else str(value)
    return f"{comment}\n{'' if required else '# '}{name}={text}\n"


if __name__ == "__main__":
    sys.stdout.write(render())
