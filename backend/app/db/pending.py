"""List the migrations that the database still needs: `python -m app.db.pending`.

One line each, `<revision> <kind> <message>`, in the order in which they would run; nothing when
there are none. Exit status 1 and one line on stderr when it can't be known.
"""

import asyncio
import sys

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.core.settings import ConfigurationError, DatabaseSettings, load
from app.db.engine import database_url
from app.db.reasons import explain_database
from app.db.revisions import RevisionError, pending, scripts

CONNECT_TIMEOUT = 10  # seconds


def heads(connection: Connection) -> set[str]:
    """The revisions the database stands at; empty for a new database."""
    return set(MigrationContext.configure(connection).get_current_heads())


async def applied_heads(settings: DatabaseSettings) -> set[str]:
    """The same on a connection of its own."""
    engine = create_async_engine(
        database_url(settings), poolclass=NullPool, connect_args={"timeout": CONNECT_TIMEOUT}
    )
    async with engine.connect() as connection:
        return await connection.run_sync(heads)


def main() -> int:
    """Print the pending revisions and return the exit status."""
    try:
        applied = asyncio.run(applied_heads(load(DatabaseSettings)))
    except ConfigurationError as error:
        print(f"error: {'; '.join(str(error).splitlines())}", file=sys.stderr)
        return 1
    except Exception as error:
        print(f"error: can't read the database: {explain_database(error).text}", file=sys.stderr)
        return 1
    try:
        revisions = pending(scripts(), applied)
    except LookupError as error:
        # An older release on a database that a newer one has migrated: nothing to run.
        print(f"the database is ahead of this release: at {error.args[0]}", file=sys.stderr)
        return 0
    except RevisionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for revision in revisions:
        print(*revision)
    return 0


if __name__ == "__main__":
    sys.exit(main())
