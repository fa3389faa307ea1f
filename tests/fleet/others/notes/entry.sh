#!/bin/sh
# What many entry points do: say something, then become what they were told to run.
echo "notes starts as $(id -un)"
exec "$@"
