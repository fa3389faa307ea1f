"""Import $MODULE, make the application, and print which of $UNWANTED that has imported."""

import importlib
import os
import sys

importlib.import_module(os.environ["MODULE"])
from app.core.settings import Settings, load  # noqa: E402
from app.main import create_app  # noqa: E402

create_app(load(Settings))
print([name for name in os.environ["UNWANTED"].split(",") if name in sys.modules])
