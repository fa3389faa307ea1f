"""Alembic's entry: run the migrations of this release, one runner at a time."""

import asyncio
import logging
import sys

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from app.core.settings import ConfigurationError, DatabaseSettings, load
from app.db.lock import LockedError, alone
from app.db.models import Base
from app.db.reasons import explain_database
from app.db.revisions import RevisionError, describe, scripts


def run() -> None:
    """Check every revision's kind, then migrate; a failure is one line and exit status 255."""
    if context.is_offline_mode():
        raise CommandError("migrations need the database: --sql is not supported")
    try:
        for script in scripts().walk_revisions():
            describe(script)
        settings = load(DatabaseSettings)
    except (ConfigurationError, RevisionError) as error:
        raise CommandError("; ".join(str(error).splitlines())) from None
    try:
        asyncio.run(alone(settings, migrate))
    except CommandError:
        raise
    except LockedError as error:
        raise CommandError(str(error)) from None
    except Exception as error:
        logging.getLogger("alembic").debug("migration failed", exc_info=True)
        raise CommandError(f"migration failed: {explain_database(error).text}") from None


def migrate(connection: Connection) -> None:
    """Run what is pending, each revision in a transaction: a failed run keeps those before it."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if not logging.getLogger().handlers:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
run()
