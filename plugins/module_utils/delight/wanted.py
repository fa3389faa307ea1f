"""What an operator wants, as the registry names it, and the release that it makes."""

from __future__ import annotations

from dataclasses import dataclass

from delight import config, plan, reference, registry, release
from delight.config import Value


@dataclass(frozen=True)
class Wanted:
    """A version of all services: {service: repository@digest}."""

    version: str
    digests: dict[str, str]


def resolve(value: Value) -> Wanted:
    """What is asked for; the registry is asked which digests that is. Needs no host."""
    found = config.load(value)
    chosen, tags = config.wanted_tags(found, value, config.version_asked(value))
    repositories = {
        name: reference.parse(service.image).repository for name, service in found.services.items()
    }
    return Wanted(chosen, registry.resolve(repositories, tags, config.logins(value)))


def build(value: Value, looks: plan.Looks, wanted: Wanted) -> release.Release:
    """The release of `wanted` for hosts that look so."""
    found = config.load(value)
    indices = plan.allocate(found.services, looks)
    return release.build(
        wanted.version,
        found.services,
        wanted.digests,
        indices,
        found.secrets,
        found.hmac_key,
        found.settings,
    )
