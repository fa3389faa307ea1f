"""Start the service: `python -m app`."""

import gc
import signal
import sys


def main() -> int:
    """Serve until told to stop; 1 for a configuration that can't be used."""
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
    from app.server import run

    gc.freeze()
    gc.enable()
    run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
