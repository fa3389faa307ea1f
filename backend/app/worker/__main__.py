"""Start the worker: `python -m app.worker`; with `--check` ask whether one is well."""

import os
import sys

from app.start import main

if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        from app.worker.heartbeat import judge

        well, line = judge(os.environ.get("HEARTBEAT_FILE") or "/tmp/delight-worker")  # noqa: S108
        print(line)
        sys.exit(not well)
    sys.exit(main("app.worker.process"))
