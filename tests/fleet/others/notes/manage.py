"""`migrate`, `pending` and `work`, as commands of the application."""

import os
import sys
import time

import psycopg

MIGRATIONS = {
    "0001_notes": "CREATE TABLE notes (id serial PRIMARY KEY, text text NOT NULL)",
    "0002_loud": "ALTER TABLE notes ADD COLUMN loud text",
}
DONE = "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY)"


def main(command: str) -> None:
    """Run one command."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        database.execute(DONE)
        done = {name for (name,) in database.execute("SELECT name FROM migrations")}
        for name in sorted(MIGRATIONS.keys() - done):
            print(name)
            if command == "migrate":
                database.execute(MIGRATIONS[name])
                database.execute("INSERT INTO migrations VALUES (%s)", [name])
        while command == "work":
            database.execute("UPDATE notes SET loud = upper(text) WHERE loud IS NULL")
            time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1])
