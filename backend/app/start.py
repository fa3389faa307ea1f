"""The beginning that all long-lived processes share."""

import gc
import importlib
import signal
import sys


def main(module: str) -> int:
    """Read the settings and call `run(settings)` of that module; 1 if they can't be used."""
    # As PID 1 a process without a handler ignores SIGTERM: a stop during the imports below would
    # take the whole grace period.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Importing makes many objects that live on: looking through them for garbage costs a sixth
    # of the start and a little of each later collection.
    gc.disable()
    from app.core.settings import ConfigurationError, Settings, load

    try:
        settings = load(Settings)
    except ConfigurationError as error:
        for line in str(error).splitlines():
            print(f"configuration: {line}", file=sys.stderr)
        return 1
    from app import observability

    observability.leave_out(settings)
    run = importlib.import_module(module).run
    gc.freeze()
    gc.enable()
    run(settings)
    return 0
