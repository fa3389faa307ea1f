"""Where secrets are given and where they are looked for: what the story of hygiene goes by, and its page."""

from __future__ import annotations

from dataclasses import dataclass

# {name: where it is given}: the story plants a word in each.
SECRETS = {
    "file": "`secrets.*`, which a service gets as a file",
    "env": "`secrets.*`, which a service gets as a variable (`deliver: env`)",
    "key": "a private key of many lines, in `secrets.*`",
    "hmac": "`release_hmac_key`",
    "registry": "`registry_password`",
    "postgres": "`postgres_password`",
    "redis": "`redis_password`, and the URL with it in `secrets.*`",
    "tls": "`registry_tls_key`",
    "edge": "`edge_certificate_pem`",
    "vault": "the password of the vault",
    "ssh": "the SSH key that opens the hosts",
}


@dataclass(frozen=True)
class Place:
    """What is looked through, and the names of the secrets that are there and may be; none is elsewhere."""

    where: str
    how: str
    holds: tuple[str, ...] = ()
    why: str = ""


OF_SERVICES = ("file", "env", "key", "redis")
CONTROLLER = {
    "output": Place("what playbooks print", "every line at `-vvvv --diff`, with and without `--check`"),
    "results": Place("their result files", "`result_file`"),
    "arguments": Place(
        "arguments of all processes", "`/proc/*/cmdline`, sampled while everything runs, on hosts too"
    ),
    "temporary": Place(
        "temporary and hidden folders", "`/tmp`, `/var/tmp`, `/dev/shm`, `/run`, the home"
    ),
    "checkout": Place(
        "the checkout",
        "every file, `.ansible` among them",
        ("vault", "ssh"),
        "`.vault/<id>` and the key itself, mode 0600",
    ),
    "image": Place(
        "an image that `build.yml` has made", "`docker save`, `docker history`, the build cache"
    ),
}  # fmt: skip
HOST = {
    "release": Place(
        "files of kept releases",
        "`/srv/delight/releases/*/secrets/`",
        OF_SERVICES,
        "0400, of root or of the container's user; gone with the release",
    ),
    "backing": Place(
        "files of backing services",
        "`/srv/delight-data/secrets/`",
        ("postgres", "redis", "tls"),
        "0400, on the data host alone",
    ),
    "edge": Place(
        "the certificate of an edge",
        "`/srv/delight/edge/certificate.pem`",
        ("edge",),
        "0440, of root and the edge's group; a balancer of ours has it too, in `/srv/delight-balancer/config`",
    ),
    "record": Place(
        "Docker's record of containers",
        "`docker inspect`, its file, and containerd's",
        ("env",),
        "as `deliver: env` has it; root alone. containerd's database keeps what was removed until it writes there",
    ),
    "environment": Place(
        "environments of processes", "`/proc/*/environ`", ("env",), "the service's own processes"
    ),
    "log": Place("logs of containers", "`docker logs` of each, the edge's among them"),
    "journal": Place("the journal of the system", "`journalctl`, with sshd's, sudo's and Docker's lines"),
    "layers": Place("images, in the host's registry too", "each layer, unpacked"),
    "file": Place(
        "every other file", "`grep -r` from `/`: the release folder, `/run`, `/tmp`, `/etc`, `/var`, homes"
    ),
    "network": Place(
        "what goes through the network",
        "each packet of each interface, while releases go on",
        ("redis",),
        "to the Redis server alone, which asks for it in the clear",
    ),
}  # fmt: skip


def table(places: dict[str, Place]) -> list[str]:
    """The places as lines of Markdown."""
    found = [
        (one.where, one.how, f"{', '.join(one.holds)}: {one.why}" if one.holds else "nothing")
        for one in places.values()
    ]
    return [
        "| where | looked at | found |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in found),
    ]


def page() -> str:
    """The reference page."""
    lines = [
        "# Where secrets are looked for",
        "",
        "`tests/fleet/long/test_hygiene.py` plants a word in each secret that can be given, provisions real hosts and",
        "has releases that are good, that crash with their secrets in their logs, that answer with them, whose checks,",
        "migrations and workers tell them, that are cut off, put back and rolled back. Then it looks for every word,",
        "as it is and in base64 at each alignment. A word has no character that a URL, JSON, a shell or HTML writes",
        "otherwise, so in those it stands as it is; what stands around it has all of them. The tables say what was",
        "found: a word anywhere else, or none where one belongs, fails the test. That mistakes in a configuration are",
        "told without a value is `tests/unit/test_mistakes.py`; what the backend tells others,",
        "`backend/tests/test_observability.py`.",
        "",
        "| secret | given as |",
        "|---|---|",
        *(f"| {name} | {given} |" for name, given in SECRETS.items()),
        "",
        "## On the machine that runs playbooks",
        "",
        *table(CONTROLLER),
        "",
        "## On hosts",
        "",
        *table(HOST),
        "",
        "Generated from `tests/fleet/support/places.py`.",
        "",
    ]
    return "\n".join(lines)
