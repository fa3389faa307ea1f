#!/bin/sh
# Makes the application's database, its owner, and the logins that are valid now; one that is not any more is
# closed. Says "changed" when there was something to do. Two names take turns, so that a password can be replaced
# while what has the old one goes on: whichever connects acts as the owner.
set -eu
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
owner=delight
database=delight
logins=delight

# as_superuser DATABASE: the statements on standard input.
as_superuser() {
  psql --quiet --no-psqlrc --no-align --tuples-only --host=/run/postgresql --port=5432 \
    --username=postgres --dbname="$1" --set=ON_ERROR_STOP=1 \
    --set=owner="$owner" --set=database="$database" --set=logins="$logins" --set=login="${login:-}"
}

while read -r login password; do
  if PGPASSWORD=$password psql --quiet --no-psqlrc --no-password --host=10.77.0.13 \
    --port=5432 --username="$login" --dbname="$database" --command='SELECT 1' >/dev/null 2>&1; then
    continue
  fi
  echo changed
  PASSWORD=$password as_superuser postgres <<'SQL'
\getenv password PASSWORD
SELECT format('CREATE ROLE %I', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
SELECT format('CREATE ROLE %I', :'login')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
SELECT format('GRANT %I TO %I', :'owner', :'login') WHERE :'login' <> :'owner' \gexec
SELECT format('ALTER ROLE %I SET role TO %L', :'login', :'owner') WHERE :'login' <> :'owner' \gexec
ALTER ROLE :"login" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE CONNECT, TEMPORARY ON DATABASE :"database" FROM PUBLIC;
SELECT format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', :'database', :'login')
  WHERE :'login' <> :'owner' \gexec
SQL
done < /run/secrets/logins

as_superuser postgres <<'SQL'
CREATE TEMPORARY TABLE closed AS
  SELECT rolname FROM pg_roles
  WHERE rolcanlogin AND rolname IN (:'owner', :'owner' || '_2')
    AND rolname <> ALL (string_to_array(:'logins', ','));
SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', rolname) FROM closed \gexec
SELECT pg_terminate_backend(pid) FROM pg_stat_activity JOIN closed ON usename = rolname \g /dev/null
SELECT 'changed' FROM closed LIMIT 1;
SQL
