"""Files that the lab writes for an environment: the SSH key pair, pinned host keys."""

import os
import tempfile
from pathlib import Path

from lab import apt, paths, shell


def ensure(env: str) -> str:
    """Make the key pair on first use; return the public key."""
    private = paths.private_key(env)
    public = private.with_suffix(".pub")
    if not (private.exists() and public.exists()):
        private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private.unlink(missing_ok=True)
        public.unlink(missing_ok=True)
        if not shell.succeeds(["ssh", "-V"]):
            apt.install(["openssh-client"])
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"delight-lab-{env}"]
        shell.run([*make, "-f", str(private)])
    return public.read_text()


def write_if_changed(path: Path, text: str, mode: int = 0o644) -> bool:
    """Write a file in one step; False when it already says so."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        new.write(text)
    os.chmod(new.name, mode)
    os.replace(new.name, path)
    return True
