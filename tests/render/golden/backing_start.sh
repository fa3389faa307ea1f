#!/bin/sh
# Makes the cluster on the first start, then becomes the server. A cluster that was half made is
# made again: only the rename at the end gives it its place.
set -eu
umask 077
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
base=/var/lib/postgresql/data
if [ ! -d "$base/cluster" ]; then
  rm -rf "$base/new"
  initdb --pgdata="$base/new" --username=postgres --auth-local=peer --auth-host=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  mv "$base/new" "$base/cluster"
fi
exec postgres -D "$base/cluster" \
  -c listen_addresses=10.77.0.13 -c port=5432 \
  -c unix_socket_directories=/run/postgresql -c hba_file=/etc/delight/pg_hba.conf \
  -c max_connections=100 -c password_encryption=scram-sha-256
