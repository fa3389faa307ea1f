"""The generated vault and its certificates."""

from datetime import UTC, datetime
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from delight import certificates

from lab import secrets
from lab.keys import write_if_changed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = IPv4Address("10.99.0.13")
CA = certificates.authority("demo", NOW)
SERVER = certificates.server(CA, str(ADDRESS), NOW)


def content() -> dict[str, object]:
    """A vault with words that can be told apart."""
    numbers = count(1)
    return secrets.document(ADDRESS, SERVER, CA.certificate, lambda: f"word{next(numbers)}")


def test_the_authority_signed_the_servers_certificate_for_its_address() -> None:
    authority = x509.load_pem_x509_certificate(CA.certificate.encode())
    server = x509.load_pem_x509_certificate(SERVER.certificate.encode())
    server.verify_directly_issued_by(authority)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ADDRESS]
    assert isinstance(server.public_key(), ec.EllipticCurvePublicKey)


def test_a_servers_certificate_can_sign_nothing() -> None:
    server = x509.load_pem_x509_certificate(SERVER.certificate.encode())
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_urls_carry_the_passwords_of_the_backing_services() -> None:
    vault = content()
    urls = vault["secrets"]
    assert isinstance(urls, dict)
    assert urls["DATABASE_URL"] == "postgresql+asyncpg://delight:word1@10.99.0.13:5432/delight"
    assert urls["REDIS_URL"] == "redis://:word2@10.99.0.13:6379/0"
    assert (vault["postgres_password"], vault["redis_password"]) == ("word1", "word2")


def test_every_secret_is_a_word_of_its_own() -> None:
    vault = content()
    words = [vault[name] for name in ("release_hmac_key", "registry_password")]
    assert len({*words, "word1", "word2"}) == 4


def test_the_vault_reads_back_and_shows_certificates_line_by_line() -> None:
    text = secrets.text(content(), Path("local/vault.yml"))
    assert yaml.safe_load(text) == content() | {
        "registry_ca": CA.certificate,
        "registry_tls_certificate": SERVER.certificate,
        "registry_tls_key": SERVER.key,
    }
    assert "registry_ca: |\n  -----BEGIN CERTIFICATE-----\n" in text


def test_a_secret_file_is_private_and_written_once(tmp_path: Path) -> None:
    target = tmp_path / "deep/secret"
    assert write_if_changed(target, "x", mode=0o600)
    assert target.stat().st_mode & 0o777 == 0o600
    assert not write_if_changed(target, "x", mode=0o600)
