"""What a vault must hold, and its text with what is missing."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
import yaml
from cryptography import x509
from delight import vault
from delight.errors import ConfigError

ENVIRONMENT = {
    "env_name": "staging",
    "services": {
        "api": {"secrets": ["DATABASE_URL", {"name": "SECRET_KEY", "deliver": "env"}]},
        "worker": {"secrets": ["DATABASE_URL"]},
        "web": {},
    },
    "backing_services": {},
    "registry": "registry.example.com",
    "registry_username": "",
}
OURS: dict[str, Any] = {"postgres": {}, "redis": {}, "registry": {}}


def needs(**other: Any) -> list[vault.Need]:
    return vault.needs((ENVIRONMENT | other).__getitem__)


def fill(text: str, wanted: list[vault.Need], registry: str = "192.0.2.3:5000") -> vault.Filled:
    numbers = count(1)
    return vault.fill(text, wanted, registry, "staging", lambda: f"word{next(numbers)}")


def test_a_vault_needs_what_services_list_and_what_we_run() -> None:
    assert [(need.name, need.whose) for need in needs()] == [
        ("secrets.DATABASE_URL", "api, worker"),
        ("secrets.SECRET_KEY", "api"),
        ("release_hmac_key", "the digests of secrets in releases"),
    ]
    elsewhere = {need.name: need.made for need in needs(registry_username="bot")}
    assert elsewhere["registry_password"] == ""
    ours = {n.name: n.made for n in needs(registry_username="bot", backing_services=OURS)}
    made_here = ("registry_password", "postgres_password", "redis_password")
    assert [ours[name] for name in made_here] == [vault.WORD] * 3
    assert [ours[name] for name in vault.CERTIFICATE_KEYS] == [vault.CERTIFICATE] * 3


def test_an_empty_vault_gets_every_key_with_what_it_is_for() -> None:
    filled = fill("", needs(backing_services={"redis": {}}))
    assert filled.made == ["secrets.SECRET_KEY", "release_hmac_key", "redis_password"]
    assert filled.added == filled.left == ["secrets.DATABASE_URL"]
    assert filled.text == (
        "secrets:\n  DATABASE_URL: CHANGE_ME\n  SECRET_KEY: word1\n"
        "\n# For the digests of secrets in releases.\nrelease_hmac_key: word2\n"
        "\n# For our Redis.\nredis_password: word3\n"
    )


def test_what_is_there_stays_as_it_was_written() -> None:
    text = (
        "# Ours, and nobody else's.\nsecrets:\n  # The database.\n"
        "  DATABASE_URL: \"db://{{ postgres_password }}@db/x\"   # in quotes\n  OLD: 'no''body'\n"
        "  SPOKEN: !unsafe pa{{ss\n  LONG: " + "long " * 60 + "end\n"
        "release_hmac_key: |\n  of two\n  lines\n"
    )
    unchanged = [need for need in needs() if need.name != "secrets.SECRET_KEY"]
    assert fill(text, unchanged).text is text
    filled = fill(text, needs())
    assert filled.text == text.replace("end\n", "end\n  SECRET_KEY: word1\n")


def test_only_placeholders_are_made() -> None:
    text = "secrets: {DATABASE_URL: db://CHANGE_ME@db, SECRET_KEY: CHANGE_ME}\nrelease_hmac_key: mine\n"
    filled = fill(text, needs())
    assert (filled.made, filled.added) == (["secrets.SECRET_KEY"], [])
    assert filled.left == ["secrets.DATABASE_URL"]
    assert yaml.safe_load(filled.text)["release_hmac_key"] == "mine"


@pytest.mark.parametrize(
    "registry", ["192.0.2.3:5000", "registry.internal:5000", "registry.internal"]
)
def test_a_registry_of_ours_gets_a_certificate_for_its_host(registry: str) -> None:
    wanted = needs(backing_services={"registry": {}})
    held = yaml.safe_load(fill("", wanted, registry).text)
    authority = x509.load_pem_x509_certificate(held["registry_ca"].encode())
    server = x509.load_pem_x509_certificate(held["registry_tls_certificate"].encode())
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = [
        str(one)
        for kind in (x509.DNSName, x509.IPAddress)
        for one in names.get_values_for_type(kind)
    ]
    assert found == [registry.partition(":")[0]]


def test_the_certificate_waits_for_its_host_and_never_replaces_a_part() -> None:
    wanted = needs(backing_services={"registry": {}})
    waiting = fill("", wanted, "CHANGE_ME:5000")
    assert {"registry_tls_certificate", "registry_tls_key"} < set(waiting.left)
    assert fill(waiting.text, wanted).made == list(vault.CERTIFICATE_KEYS)
    public = "registry_tls_certificate: theirs\nregistry_tls_key: theirs\nrelease_hmac_key: mine\n"
    assert "registry_ca" not in fill(public, wanted).text, "a public authority needs none"
    partly = fill("registry_tls_key: mine\n", wanted)
    assert "registry_tls_certificate" in partly.left


@pytest.mark.promise("S3")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 'hunter22\n", "line 3 of the vault is no YAML"),
        (
            "a: hunter22\na: hunter22\n",
            "line 2 of the vault is no YAML, or a key stands there twice",
        ),
        ("- hunter22\n", "the vault is no mapping of variables"),
    ],
)
def test_a_text_that_cannot_be_read_is_not_told(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        fill(text, needs())
    assert "hunter22" not in str(caught.value)
