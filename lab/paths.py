"""Where the lab keeps what it makes; everything is below `.lab/` of the project."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = ROOT / ".lab"
# Whose hosts these are: the keys that open them stand in .lab, which may be a link.
CHECKOUT = LAB.resolve().parent
CACHE = LAB / "cache"
IMAGE_TARS = LAB / "images"
DOCKER_CONFIG = LAB / "docker-config"
CLI_PLUGINS = DOCKER_CONFIG / "cli-plugins"
DOCKERD_LOG = LAB / "dockerd.log"
DOCKERD_PID = LAB / "dockerd.pid"
RECIPES = ROOT / "lab" / "images"


def shown(path: Path) -> str:
    """A path as a user types it in the project's folder."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def env_dir(env: str) -> Path:
    """Private files of one environment: its SSH key pair and, where made here, its CA."""
    return LAB / env


def private_key(env: str) -> Path:
    """The key that opens the hosts of an environment for the user `debian`."""
    return env_dir(env) / "id_ed25519"
