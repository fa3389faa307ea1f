"""Start the service up to where it would serve, and print what that has imported."""

import sys

from app.core.settings import Settings
from app.start import main


def run(settings: Settings) -> None:
    """In place of serving: make the application."""
    import app.server  # noqa: F401 (imported as the service does)
    from app.main import create_app

    create_app(settings)
    print(*(name for name, module in sys.modules.items() if module is not None))


if __name__ == "__main__":
    sys.exit(main("tests.imported"))
