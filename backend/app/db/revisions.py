"""The migrations of this release, and what they mean for the releases around them."""

from pathlib import Path
from typing import NamedTuple

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import ResolutionError

BACKEND = Path(__file__).resolve().parents[2]

# expand: the release before still works beside it. contract: it does not.
# irreversible: it never will again, not even after a downgrade.
KINDS = frozenset({"expand", "contract", "irreversible"})


class RevisionError(Exception):
    """A revision that can't be used, or a database that does not fit; one line."""


class Revision(NamedTuple):
    """One migration: `kind` is what a rollback decides by."""

    id: str
    kind: str
    message: str


def scripts() -> ScriptDirectory:
    """The migrations beside this package."""
    return ScriptDirectory(str(BACKEND / "migrations"))


def describe(script: Script) -> Revision:
    """Identity and declared kind of one migration file."""
    kind = getattr(script.module, "kind", None)
    if kind not in KINDS:
        raise RevisionError(
            f"revision {script.revision}: kind must be one of {', '.join(sorted(KINDS))}"
        )
    return Revision(script.revision, kind, script.doc)


def pending(directory: ScriptDirectory, applied: set[str]) -> list[Revision]:
    """What `upgrade head` would run on a database whose heads are `applied`, in order.

    LookupError names a head that this release does not know: the database is ahead of it.
    """
    done: set[str] = set()
    for head in sorted(applied):
        try:
            done |= {script.revision for script in directory.iterate_revisions(head, "base")}
        except ResolutionError:
            raise LookupError(head) from None
    wanted = [script for script in directory.walk_revisions() if script.revision not in done]
    return [describe(script) for script in reversed(wanted)]
