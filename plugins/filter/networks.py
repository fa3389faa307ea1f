"""Filters over IP networks, on the standard library."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight.host.addresses import gateway


def overlapping(networks: Iterable[str], other: str) -> list[str]:
    """Return those of `networks` that share an address with the network `other`.

    A bare address counts as a network of one. Raises AnsibleFilterError on what is neither.
    """
    try:
        wanted = ip_network(other, strict=False)
        candidates = [(text, ip_network(text, strict=False)) for text in networks]
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error
    return [
        text
        for text, network in candidates
        if network.version == wanted.version and network.overlaps(wanted)
    ]


class FilterModule:
    """The filters of this file, by the name templates call them."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name → filter."""
        return {"overlapping": overlapping, "gateway": gateway}
