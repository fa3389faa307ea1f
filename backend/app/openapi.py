"""Write the description of the API: `python -m app.openapi > openapi.json`."""

import json
import sys

from app.core.settings import Settings
from app.main import create_app


def render() -> str:
    """The whole file; no setting has a part in it."""
    nowhere = {"database_url": "postgresql://localhost/none", "redis_url": "redis://localhost"}
    app = create_app(Settings.model_validate(nowhere))
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
