"""Pure functions: argv that makes, finds and removes the hosts of a fleet."""

import hashlib

from lab import paths, recipes
from lab.cgroups import Cgroups
from lab.inventory import Fleet, Host

FLEET_LABEL = "delight.lab.fleet"
CHECKOUT_LABEL = "delight.checkout"
SHAPE_LABEL = "delight.lab.shape"
USER = "debian"

# Runs in a host as root. Waits until sshd listens, with a bound; prints the public host keys.
# A host that stops meanwhile ends the `docker exec`, so the loop can't outlive it.
PREPARE = f"""
set -eu
cat > /home/{USER}/.ssh/authorized_keys.new
chown {USER}:{USER} /home/{USER}/.ssh/authorized_keys.new
chmod 0600 /home/{USER}/.ssh/authorized_keys.new
mv /home/{USER}/.ssh/authorized_keys.new /home/{USER}/.ssh/authorized_keys
wait_for() {{
    left=$1; shift
    until "$@" > /dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}}
sshd_listens() {{ [ -n "$(ss -Hltn 'sport = :22')" ]; }}
wait_for 600 sshd_listens || {{ echo "sshd does not start" >&2; exit 1; }}
if systemctl is-enabled --quiet docker.service 2> /dev/null; then
    wait_for 600 docker version || {{ echo "dockerd does not start" >&2; exit 1; }}
fi
cat /etc/ssh/ssh_host_*_key.pub
"""


def labels(network: str) -> list[str]:
    """Arguments that mark what is made for the fleet of a network, and the checkout that makes it."""
    return [f"--label={FLEET_LABEL}={network}", f"--label={CHECKOUT_LABEL}={paths.CHECKOUT}"]


def network(fleet: Fleet) -> list[str]:
    """argv that makes the fleet's network."""
    argv = ["docker", "network", "create", *labels(fleet.network), "--subnet", str(fleet.subnet)]
    return [*argv, fleet.network]


def volume(fleet: Fleet, host: Host) -> str:
    """The volume for the host's own Docker Engine: overlay2 can't stand on overlay2."""
    return f"{fleet.container(host)}-docker"


def create(fleet: Fleet, host: Host, cgroups: Cgroups) -> list[str]:
    """argv that makes and starts a host.

    Not `--privileged`: that needs CAP_SYS_RESOURCE, which machines that are containers
    or small VMs themselves may not have. `systempaths` exists in the command line only.
    """
    name = fleet.container(host)
    argv = [
        *("docker", "run", "--detach", "--name", name, "--hostname", host.name),
        *(*labels(fleet.network), "--label", f"{SHAPE_LABEL}={shape(fleet, host)}"),
        *("--network", fleet.network, "--ip", str(host.address)),
        *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"),
        *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
        *("--security-opt", "systempaths=unconfined"),
        *("--stop-timeout", "30", "--tmpfs", "/run", "--tmpfs", "/tmp:exec"),  # noqa: S108
        *cgroups.arguments(name),
        *("--volume", f"{volume(fleet, host)}:/var/lib/docker"),
        *("--volume", f"{paths.IMAGE_TARS}:/var/lib/lab/images:ro"),
    ]
    for port in (f"127.0.0.1:{host.ssh_port}:22", *host.publish):
        argv += ["--publish", port]
    return [*argv, recipes.HOST]


def make_volume(fleet: Fleet, host: Host) -> list[str]:
    """argv that makes the volume; a labelled one can be found again."""
    return ["docker", "volume", "create", *labels(fleet.network), volume(fleet, host)]


def shape(fleet: Fleet, host: Host) -> str:
    """A short key of all that can't change without making the host anew."""
    parts = (fleet.network, fleet.subnet, host.address, host.ssh_port, sorted(host.publish))
    return hashlib.sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:12]


def inspect(name: str) -> list[str]:
    """argv that prints a container's state and shape, or fails when there is none."""
    wanted = f'{{{{.State.Status}}}} {{{{index .Config.Labels "{SHAPE_LABEL}"}}}}'
    return ["docker", "container", "inspect", "--format", wanted, name]


def prepare(name: str) -> list[str]:
    """argv that waits for a host and prints its host keys; the public key goes to stdin."""
    return ["docker", "exec", "--interactive", name, "sh", "-c", PREPARE]


def pinned(host: Host, keys: str) -> list[str]:
    """Lines of known_hosts: every key under both names that a client may use."""
    lines = []
    for line in keys.splitlines():
        kind, key = line.split()[:2]
        lines += [f"[127.0.0.1]:{host.ssh_port} {kind} {key}", f"{host.address} {kind} {key}"]
    return sorted(lines)


def merged(known: str, lines: list[str]) -> str:
    """The text of known_hosts with new lines in the place of all that it says of the same names."""
    names = {line.split()[0] for line in lines}
    kept = [line for line in known.splitlines() if line and line.split()[0] not in names]
    return "".join(f"{line}\n" for line in sorted({*kept, *lines}))


def listing(kind: str, network: str = "") -> list[str]:
    """argv that prints name, tab, checkout of the containers, volumes or networks of one fleet, or of all."""
    name = "{{.Names}}" if kind == "container" else "{{.Name}}"
    every = ["--all"] if kind == "container" else []
    filters = ["--filter", f"label={FLEET_LABEL}{network and '='}{network}"]
    form = f'{name}\t{{{{.Label "{CHECKOUT_LABEL}"}}}}'
    return ["docker", kind, "ls", *every, *filters, "--format", form]


def removal(kind: str, names: list[str]) -> list[str]:
    """argv that removes containers, volumes or networks by name."""
    force = ["--force", "--volumes"] if kind == "container" else []
    return ["docker", kind, "rm", *force, *names]
