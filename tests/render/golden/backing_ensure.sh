#!/bin/sh
# Makes the application's user and database; says "changed" when there was something to do.
set -eu
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
if PGPASSWORD=$(cat /run/secrets/password) psql --quiet --no-psqlrc --no-password \
  --host=10.77.0.13 --port=5432 --username=delight \
  --dbname=delight --command='SELECT 1' >/dev/null 2>&1; then
  exit 0
fi
psql --quiet --no-psqlrc --host=/run/postgresql --port=5432 --username=postgres \
  --dbname=postgres --set=ON_ERROR_STOP=1 \
  --set=role=delight --set=database=delight <<'SQL'
\set password `cat /run/secrets/password`
SELECT format('CREATE ROLE %I LOGIN', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE :"database" FROM PUBLIC;
SQL
echo changed
