"""The host's code as one script for `python3 -`: nothing is installed, nothing is in argv."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

HOST = Path(__file__).resolve().parent / "host"
MARK = "DELIGHT-OUTCOME "

# Unpacked once a host, boot and version, so that Python compiles it once; root's alone.
_SCRIPT = """\
import os, sys
folder = "/run/delight/{digest}"
if not os.path.isdir(folder):
    import base64, json, tempfile, zlib
    os.makedirs("/run/delight", 0o700, exist_ok=True)
    fresh = tempfile.mkdtemp(dir="/run/delight")
    os.mkdir(fresh + "/host")
    for name, text in json.loads(zlib.decompress(base64.b64decode({sources!r}))).items():
        with open(fresh + "/host/" + name, "w") as file:
            file.write(text)
    try:
        os.rename(fresh, folder)
    except OSError:
        import shutil
        shutil.rmtree(fresh)
sys.path.insert(0, folder)
import json
from host import main
outcome = main.perform({act!r}, json.loads({params!r}))
print("\\n" + {mark!r} + json.dumps(outcome))
"""


@cache
def sources() -> tuple[str, str]:
    """(hash, packed text) of every module in `host/`."""
    texts = {path.name: path.read_text() for path in sorted(HOST.glob("*.py"))}
    raw = json.dumps(texts, sort_keys=True).encode()
    return hashlib.sha256(raw).hexdigest()[:16], base64.b64encode(zlib.compress(raw, 9)).decode()


def script(act: str, params: dict[str, Any]) -> str:
    """The source that performs `act` with `params`; goes to the interpreter's standard input."""
    digest, packed = sources()
    return _SCRIPT.format(
        digest=digest, sources=packed, act=act, params=json.dumps(params), mark=MARK
    )


def outcome(stdout: str) -> dict[str, Any] | None:
    """The outcome in what the script printed, or None if it did not get that far."""
    for line in reversed(stdout.splitlines()):
        if line.startswith(MARK):
            found: dict[str, Any] = json.loads(line.removeprefix(MARK))
            return found
    return None
