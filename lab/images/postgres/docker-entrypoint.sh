#!/bin/sh
# Make the cluster at the first start, from the environment of the official image:
# POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_INITDB_ARGS.
set -eu

case "${1:-}" in
    -*) set -- postgres "$@" ;;
esac
if [ "${1:-}" != postgres ] || [ -s "$PGDATA/PG_VERSION" ]; then
    exec "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
password=${POSTGRES_PASSWORD:-}
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    password=$(cat "$POSTGRES_PASSWORD_FILE")
fi
if [ -z "$password" ]; then
    echo "postgres: set POSTGRES_PASSWORD_FILE (or POSTGRES_PASSWORD) for the first start" >&2
    exit 1
fi

# shellcheck disable=SC2086 # POSTGRES_INITDB_ARGS is a list of words
printf '%s\n' "$password" |
    initdb --username="$user" --pwfile=/dev/stdin --auth-local=trust --auth-host=scram-sha-256 \
        ${POSTGRES_INITDB_ARGS:-}
echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "$database" |
        postgres --single -E -D "$PGDATA" postgres > /dev/null
fi
exec "$@"
