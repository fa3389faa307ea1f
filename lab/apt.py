"""Debian packages: install on this machine, or fetch Debian 13's without installing."""

import os
import shutil
import tempfile
from pathlib import Path

from lab import paths, shell
from lab.errors import LabError

SUITE = "trixie"
MIRROR = os.environ.get("DELIGHT_DEBIAN_MIRROR", "http://deb.debian.org/debian")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def foreign_apt(state: Path, command: list[str]) -> list[str]:
    """argv of an apt-get whose whole state is in `state`: the machine's own is not touched."""
    options = {
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state / "cache",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-",
        # Downloads go to a folder of root's, which the _apt user can't enter.
        "APT::Sandbox::User": "root",
    }
    settings = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    return ["apt-get", "-qq", *settings, *command]


def install(packages: list[str]) -> None:
    """Install on this machine; needs root and a Debian-like system."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise LabError(f"please install {' '.join(packages)} (as root; no apt-get to do it here)")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    argv = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if not shell.succeeds(argv):
        shell.run(["apt-get", "update", "-qq"])
        shell.run(argv)


def unpack(packages: list[str], target: Path) -> None:
    """Fetch packages of Debian 13 and unpack them below `target`."""
    if shutil.which("apt-get") is None:
        raise LabError("no apt-get here: install Docker's compose and buildx plugins yourself")
    state = paths.CACHE / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} {SUITE} main\n")
    shell.run(foreign_apt(state, ["update"]))
    with tempfile.TemporaryDirectory(dir=paths.CACHE) as folder:
        here = Path(folder)
        before = Path.cwd()
        os.chdir(here)  # apt-get download writes to the current folder only
        try:
            shell.run(foreign_apt(state, ["download", *packages]))
        finally:
            os.chdir(before)
        for archive in sorted(here.glob("*.deb")):
            shell.run(["dpkg-deb", "-x", str(archive), str(target)])
