"""Where a replica lives: `<a>.<b>.<service index>.<slot digit><NN>`, readable at a glance.

In the subnet 10.89.0.0/16 replica 2 of service 1 is 10.89.1.102 in blue and 10.89.1.202 in
green. The digit is the only part that depends on the slot, so a rendered compose file can leave
it open and a kept release can come back in either slot.
"""

from __future__ import annotations

SLOT_DIGITS = {"blue": "1", "green": "2"}
MAX_REPLICAS = 54  # .201 to .254
MAX_INDEX = 249  # .250 and above: one-off containers and the gateway


def address(subnet: str, index: int, slot_digit: str, replica: int) -> str:
    """The address of `replica` (from 1) of the service with `index`; `subnet` is a /16."""
    a, b, *_ = subnet.split(".")
    return f"{a}.{b}.{index}.{slot_digit}{replica:02d}"


def backend(service: str, slot: str) -> str:
    """The name of a slot in the edge and in Docker's projects."""
    return f"{service}-{slot}"


def other(slot: str | None) -> str:
    """The slot that is not `slot`; blue comes first."""
    return "green" if slot == "blue" else "blue"
