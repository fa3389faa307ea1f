"""Where a replica lives: `<a>.<b>.<service index>.<slot digit><NN>`, readable at a glance.

In the subnet 10.89.0.0/16 replica 2 of service 1 is 10.89.1.102 in blue and 10.89.1.202 in
green. The digit is the only part that depends on the slot.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

# The application of containers and releases that do not say whose they are: an earlier version knew one only.
FIRST_APP = "delight"
SLOT_DIGITS = {"blue": "1", "green": "2"}
MAX_REPLICAS = 54  # .201 to .254
MAX_INDEX = 249  # .250 and above: one-off containers and the gateway
# What is left of the 63 characters of a host name beside `-<service>-green-54`.
HOST_CHARS = 22


def address(subnet: str, index: int, slot_digit: str, replica: int) -> str:
    """The address of `replica` (from 1) of the service with `index`; `subnet` is a /16."""
    a, b, *_ = subnet.split(".")
    return f"{a}.{b}.{index}.{slot_digit}{replica:02d}"


def backend(service: str, slot: str) -> str:
    """The name of a slot in the edge and in Docker's projects."""
    return f"{service}-{slot}"


def app_of(manifest: Mapping[str, Any]) -> str:
    """The application that a release is of."""
    return str(manifest.get("app", FIRST_APP))


def gateway(subnet: str) -> str:
    """Where containers reach the edge of their host."""
    a, b, *_ = subnet.split(".")
    return f"{a}.{b}.255.254"


def internal(service: str) -> str:
    """The key of the edge's map by which other services reach this one; no request from outside can have it."""
    return f"@{service}.internal"


def host_label(host: str) -> str:
    """A host's name in the inventory, as the beginning of its containers' names; a long one is told by a digest."""
    label = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")
    if len(label) <= HOST_CHARS:
        return label
    return f"{label[: HOST_CHARS - 6]}-{hashlib.sha256(host.encode()).hexdigest()[:5]}"


def other(slot: str | None) -> str:
    """The slot that is not `slot`; blue comes first."""
    return "green" if slot == "blue" else "blue"
