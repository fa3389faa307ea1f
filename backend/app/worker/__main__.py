"""Start the worker: `python -m app.worker`; with `--check` ask whether one is well."""

import sys

from app import healthcheck, start

if __name__ == "__main__":
    sys.exit(healthcheck.main() if "--check" in sys.argv else start.main("app.worker.process"))
