"""Certificates of servers that only tests talk to."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Pair(NamedTuple):
    """PEM files of a certificate and its key; the certificate is its own authority."""

    certificate: Path
    key: Path


def self_signed(folder: Path) -> Pair:
    """A certificate for 127.0.0.1 in `folder`, made by openssl, readable by everybody."""
    pair = Pair(folder / "certificate.crt", folder / "certificate.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
         "-out", pair.certificate, "-keyout", pair.key],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    for file in pair:
        file.chmod(0o644)
    return pair
