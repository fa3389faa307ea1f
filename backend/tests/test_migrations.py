"""Migrations on a real server: what is pending, one runner, bounds, and clear refusals."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shutil import copytree

import alembic.config
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.settings import DatabaseSettings
from app.db import lock
from app.db import pending as command_pending
from app.db.reasons import explain_database
from app.db.revisions import RevisionError, describe, pending, scripts
from tests.backing import PASSWORD, Postgres, wait_until
from tests.conftest import BACKEND
from tests.process import command, environment

HISTORY = [
    "0001 expand Create users",
    "0002 expand Add what users prefer and what Clerk says of them",
    "0003 expand Create webhook_deliveries",
    "0004 expand Create outbox and notices",
]
ALL = "".join(f"{line}\n" for line in HISTORY)
NEXT = len(HISTORY) + 1  # the number of a revision that a test adds
HIDDEN = "hidden-word"
NOBODY = f"postgresql://u:{HIDDEN}@127.0.0.1:1/d"


class Commands:
    """`alembic` and `python -m app.db.pending` in this process: exit status, stdout, stderr."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capfd = monkeypatch, capfd

    def alembic(self, url: str, *argv: str) -> tuple[int, str]:
        """Exit status and both outputs."""
        self.monkeypatch.setenv("DATABASE_URL", url)
        status = 0
        try:
            alembic.config.main(["-c", str(BACKEND / "alembic.ini"), *argv])
        except SystemExit as end:
            status = int(end.code or 0)
        return status, "".join(self._read())

    def pending(self, url: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        self.monkeypatch.setenv("DATABASE_URL", url)
        return command_pending.main(), *self._read()

    def _read(self) -> tuple[str, str]:
        out, err = self.capfd.readouterr()
        assert PASSWORD not in out + err
        assert HIDDEN not in out + err
        return out, err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Commands:
    """The two commands."""
    return Commands(monkeypatch, capfd)


@contextmanager
def held(postgres: Postgres, database: str, statement: str, what: str) -> Iterator[None]:
    """A session that took a lock with `statement`; `what` finds it in pg_locks."""
    session = postgres.psql(database)
    assert session.stdin is not None
    session.stdin.write(f"BEGIN; {statement};\n")
    session.stdin.flush()
    count = f"SELECT count(*) FROM pg_locks WHERE granted AND {what}"
    wait_until(lambda: postgres.sql(count, database) == "1", "the lock is held")
    try:
        yield
    finally:
        session.communicate(timeout=30)


def held_lock(postgres: Postgres, database: str) -> AbstractContextManager[None]:
    """Another migration run, as far as the lock can tell."""
    taken = f"SELECT pg_advisory_lock({lock.LOCK_KEY})"
    return held(postgres, database, taken, "locktype = 'advisory'")


def test_pending_then_upgrade_then_none(run: Commands, postgres: Postgres, database: str) -> None:
    url = postgres.url(database)
    assert run.pending(url) == (0, ALL, "")
    assert run.alembic(url, "upgrade", "head")[0] == 0
    assert run.pending(url) == (0, "", "")
    status, output = run.alembic(url, "upgrade", "head")
    assert (status, "Running upgrade" in output) == (0, False)
    # The models and the migrations describe the same tables.
    status, output = run.alembic(url, "check")
    assert status == 0, output
    assert run.alembic(url, "downgrade", "base")[0] == 0
    assert postgres.sql("SELECT to_regclass('users')", database) == ""


def test_the_command_of_an_image(postgres: Postgres, database: str) -> None:
    done = command("app.db.pending", DATABASE_URL=postgres.url(database))
    assert (done.returncode, done.stdout, done.stderr) == (0, ALL, "")


def test_a_database_ahead_of_this_release(run: Commands, postgres: Postgres, database: str) -> None:
    postgres.sql("CREATE TABLE alembic_version (version_num text)", database)
    postgres.sql("INSERT INTO alembic_version VALUES ('9999')", database)
    line = "the database is ahead of this release: at 9999\n"
    assert run.pending(postgres.url(database)) == (0, "", line)


def test_pending_without_a_database(run: Commands, postgres: Postgres) -> None:
    cases = {
        "": "DATABASE_URL is not set (nor DATABASE_URL_FILE)",
        f"mysql://u:{HIDDEN}@h/d": "DATABASE_URL: must be a URL like "
        "postgresql://user:password@host:port/name",
        postgres.url(password=HIDDEN): "can't read the database: authentication failed",
        postgres.url("missing"): "can't read the database: no such database",
        NOBODY: "can't read the database: connection refused",
    }
    for url, line in cases.items():
        assert run.pending(url) == (1, "", f"error: {line}\n")


def test_pending_with_an_undecided_revision(
    run: Commands,
    postgres: Postgres,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copytree(BACKEND / "migrations", tmp_path / "migrations")
    add_revision(tmp_path, NEXT, "undecided")
    monkeypatch.setattr("app.db.revisions.BACKEND", tmp_path)
    reason = f"error: revision {NEXT:04}: kind must be one of contract, expand, irreversible\n"
    assert run.pending(postgres.url(database)) == (1, "", reason)
    # Nothing runs when one of them could not be judged by a rollback.
    status, output = run.alembic(postgres.url(database), "upgrade", "head")
    assert status != 0
    assert f"revision {NEXT:04}: kind must be one of" in output
    assert postgres.sql("SELECT to_regclass('users')", database) == ""


def test_upgrade_without_a_database(run: Commands, postgres: Postgres) -> None:
    cases = {
        "": "DATABASE_URL is not set",
        postgres.url(password=HIDDEN): "migration failed: authentication failed",
        NOBODY: "migration failed: connection refused",
    }
    for url, line in cases.items():
        status, output = run.alembic(url, "upgrade", "head")
        assert status != 0
        assert line in output
        assert "Traceback" not in output


def test_a_statement_that_fails(run: Commands, postgres: Postgres, database: str) -> None:
    postgres.sql("CREATE TABLE users (hidden_column int)", database)
    status, output = run.alembic(postgres.url(database), "upgrade", "head")
    assert status != 0
    assert "migration failed: SQLSTATE 42P07" in output
    assert run.pending(postgres.url(database))[1] == ALL


def test_offline_mode_is_refused(run: Commands, postgres: Postgres) -> None:
    status, output = run.alembic(postgres.url(), "upgrade", "head", "--sql")
    assert status != 0
    assert "--sql is not supported" in output


def test_two_runners_one_after_the_other(postgres: Postgres, database: str) -> None:
    """Both are held by a third, then run: one does the work, the other finds none."""
    argv = [sys.executable, "-m", "alembic", "upgrade", "head"]
    here = environment({"DATABASE_URL": postgres.url(database)})
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    runners = []
    with held_lock(postgres, database):
        for _ in range(2):
            runner = subprocess.Popen(
                argv, cwd=BACKEND, env=here, text=True, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
            runners.append(runner)
        wait_until(lambda: postgres.sql(waiting, database) == "2", "both wait for the lock")
        assert postgres.sql("SELECT to_regclass('users')", database) == ""
    outputs = [runner.communicate(timeout=60)[0] for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], outputs
    assert sorted("Running upgrade" in output for output in outputs) == [False, True]


def test_a_runner_that_waits_too_long(
    run: Commands, postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_WAIT", "0.2")
    with held_lock(postgres, database):
        status, output = run.alembic(postgres.url(database), "upgrade", "head")
    assert status != 0
    assert "another migration is still running after 0.2 s" in output


@pytest.mark.parametrize(
    ("setting", "statement", "reason"),
    [
        (
            "migration_statement_timeout",
            "SELECT pg_sleep(3600)",
            "the statement took too long",
        ),
        ("migration_lock_timeout", "LOCK TABLE busy", "timed out waiting for a lock"),
    ],
)
def test_bounds_of_a_migration(
    postgres: Postgres, database: str, setting: str, statement: str, reason: str
) -> None:
    postgres.sql("CREATE TABLE busy ()", database)
    settings = DatabaseSettings.model_validate(
        {"database_url": postgres.url(database), setting: 0.2}
    )
    locked = held(postgres, database, "LOCK TABLE busy", "relation = 'busy'::regclass")
    with locked, pytest.raises(DBAPIError) as caught:
        asyncio.run(lock.alone(settings, lambda work: work.execute(text(statement)).close()))
    assert explain_database(caught.value).text == reason


def test_history_is_one_line_and_every_kind_is_declared() -> None:
    directory = scripts()
    assert len(directory.get_heads()) == 1
    for script in directory.walk_revisions():
        describe(script)


def add_revision(folder: Path, number: int, kind: str) -> None:
    """One more revision at the end of the history in `folder`."""
    (folder / f"migrations/versions/{number:04}.py").write_text(
        f'"""Step {number}"""\nrevision = "{number:04}"\n'
        f'down_revision = "{number - 1:04}"\nkind = "{kind}"\n'
    )


def test_revisions_in_order(tmp_path: Path) -> None:
    copytree(BACKEND / "migrations", tmp_path / "migrations")
    add_revision(tmp_path, NEXT, "contract")
    add_revision(tmp_path, NEXT + 1, "irreversible")
    directory = ScriptDirectory(str(tmp_path / "migrations"))
    assert [" ".join(revision) for revision in pending(directory, set())] == [
        *HISTORY,
        f"{NEXT:04} contract Step {NEXT}",
        f"{NEXT + 1:04} irreversible Step {NEXT + 1}",
    ]
    assert [revision.id for revision in pending(directory, {f"{NEXT:04}"})] == [f"{NEXT + 1:04}"]
    assert pending(directory, {f"{NEXT + 1:04}"}) == []
    with pytest.raises(LookupError, match="9999"):
        pending(directory, {"9999"})


def test_a_revision_needs_a_kind(tmp_path: Path) -> None:
    copytree(BACKEND / "migrations", tmp_path / "migrations")
    add_revision(tmp_path, NEXT, "undecided")
    with pytest.raises(RevisionError, match=f"revision {NEXT:04}: kind must be one of"):
        pending(ScriptDirectory(str(tmp_path / "migrations")), set())
