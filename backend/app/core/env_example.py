"""Write `.env.example` from the settings: `python -m app.core.env_example > .env.example`."""

import sys
import textwrap

from pydantic.fields import FieldInfo

from app.core.settings import Settings

HEADER = """\
# Settings of the backend, made by `python -m app.core.env_example`.
# Any NAME may be given as NAME_FILE instead: the path of a file that holds the value.
"""


def render() -> str:
    """The whole file: what must be set is set to an example, what has a default is commented."""
    blocks = [_block(name.upper(), field) for name, field in Settings.model_fields.items()]
    return "\n".join([HEADER, *blocks])


def _block(name: str, field: FieldInfo) -> str:
    """Description and assignment of one setting."""
    comment = textwrap.fill(
        field.description or "", 96, initial_indent="# ", subsequent_indent="# "
    )
    value = field.examples[0] if field.examples else field.default
    text = ",".join(value) if isinstance(value, list) else str(value)
    return f"{comment}\n{'' if field.is_required() else '# '}{name}={text}\n"


if __name__ == "__main__":
    sys.stdout.write(render())
