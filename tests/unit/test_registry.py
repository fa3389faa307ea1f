"""Questions to a registry, and what is said of one that does not answer them."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from delight import reference, registry
from delight.registry import Login, MissingImage, RegistryError, Unreachable

from tests.support.certificates import self_signed
from tests.support.registry import StubRegistry, stub_registry

PASSWORD = "planted-registry-word"
LOGIN = {"username": "builder", "password": PASSWORD}


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[StubRegistry]:
    """A registry that wants a login."""
    with stub_registry(tmp_path, **LOGIN) as running:
        yield running


@pytest.fixture
def image(stub: StubRegistry) -> str:
    """A repository there, with a dot and two parts as real ones have."""
    return f"{stub.address}/team/delight.api"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("registry.example/a/b", ("registry.example", "a/b")),
        ("10.0.0.1:5000/a", ("10.0.0.1:5000", "a")),
        ("localhost/a", ("localhost", "a")),
        ("team/a", ("registry-1.docker.io", "team/a")),
        ("postgres", ("registry-1.docker.io", "library/postgres")),
        ("docker.io/library/redis", ("registry-1.docker.io", "library/redis")),
        ("docker.io/redis", ("registry-1.docker.io", "library/redis")),
        ("index.docker.io/team/a", ("registry-1.docker.io", "team/a")),
    ],
)
def test_the_host_in_a_name(name: str, expected: tuple[str, str]) -> None:
    assert reference.split(name) == expected


def test_a_tag_has_a_digest(stub: StubRegistry, image: str) -> None:
    digest = stub.push("team/delight.api", "v1", {})
    assert registry.digest_of(image, "v1", stub.login()) == digest
    assert stub.asked == ["HEAD /v2/team/delight.api/manifests/v1"]


def test_a_digest_is_not_asked_for(stub: StubRegistry, image: str) -> None:
    digest = f"sha256:{'0' * 64}"
    assert registry.digest_of(image, digest, stub.login()) == digest
    assert stub.asked == []


@pytest.mark.parametrize("labels", [{"one": "1", "two": "2"}, {}, None])
def test_labels(stub: StubRegistry, image: str, labels: dict[str, str] | None) -> None:
    digest = stub.push("team/delight.api", "v1", labels)
    assert registry.labels_of(image, digest, stub.login()) == (labels or {})


def test_an_index_has_the_labels_of_its_first_platform(stub: StubRegistry, image: str) -> None:
    digests = [stub.push("team/delight.api", name, {"for": name}) for name in ("amd64", "arm64")]
    index = stub.push_index("team/delight.api", "v1", digests)
    assert registry.digest_of(image, "v1", stub.login()) == index
    assert registry.labels_of(image, index, stub.login()) == {"for": "amd64"}


@pytest.mark.promise("S9")
@pytest.mark.parametrize(
    ("realm", "host", "well"),
    [
        ("https://auth.docker.io/token", "registry-1.docker.io", True),
        ("https://gitlab.com/jwt/auth", "registry.gitlab.com", True),
        ("https://ghcr.io/token", "ghcr.io", True),
        ("http://ghcr.io/token", "ghcr.io", False),
        ("https://evil.io/token", "ghcr.io", False),
        ("https://docker.io.evil.example/token", "registry-1.docker.io", False),
        ("https://evildocker.io/token", "registry-1.docker.io", False),
        ("https://10.9.0.1/token", "10.0.0.1", False),
        ("https://10.0.0.1/token", "10.0.0.1", True),
    ],
)
def test_who_may_ask_for_a_login(realm: str, host: str, well: bool) -> None:
    assert registry.related(realm, host) == well


@pytest.mark.promise("S9")
def test_a_login_goes_to_no_authority_of_somebody_else(stub: StubRegistry, image: str) -> None:
    stub.scheme = "Bearer"
    stub.realm = "https://127.0.0.2:1/token"
    with pytest.raises(
        RegistryError, match=r"sends its login to 127\.0\.0\.2, which is none of its own"
    ):
        registry.digest_of(image, "v1", stub.login())


def test_services_of_one_image_are_asked_once(stub: StubRegistry, image: str) -> None:
    digest = stub.push("team/delight.api", "v1", {})
    services = ("api", "worker", "scheduler")
    tags = {"api": "v1", "worker": "v1", "scheduler": f"sha256:{'0' * 64}"}
    found = registry.resolve(dict.fromkeys(services, image), tags, stub.logins())
    assert found == {
        "api": f"{image}@{digest}",
        "worker": f"{image}@{digest}",
        "scheduler": f"{image}@{tags['scheduler']}",
    }
    assert len(stub.asked) == 1


def test_what_is_missing_is_named(stub: StubRegistry, image: str) -> None:
    stub.push("team/delight.api", "v1", {})
    for name in (image, f"{stub.address}/other"):
        with pytest.raises(MissingImage, match=f"image {name}:v2 does not exist; build and push"):
            registry.digest_of(name, "v2", stub.login())


@pytest.mark.parametrize(
    ("username", "shown"), [("builder", "'builder'"), ("", r"'\(anonymous\)'")]
)
def test_a_refused_login_is_named_without_its_password(
    stub: StubRegistry, image: str, username: str, shown: str
) -> None:
    login = Login(username, "not-the-word", stub.ca)
    with pytest.raises(RegistryError) as caught:
        registry.digest_of(image, "v1", login)
    assert re.fullmatch(
        f"registry {stub.address} refuses the login {shown} for team/delight.api; "
        "check registry_username and registry_password, or its entry in registries",
        str(caught.value),
    )
    assert not isinstance(caught.value, Unreachable | MissingImage)


def test_a_registry_that_fails(stub: StubRegistry, image: str) -> None:
    stub.failing = 503
    with pytest.raises(RegistryError, match=f"{stub.address} answered 503 for {image}:v1"):
        registry.digest_of(image, "v1", stub.login())


def test_a_registry_that_names_no_digest(stub: StubRegistry, image: str) -> None:
    stub.push("team/delight.api", "v1", {})
    stub.names_digests = False
    with pytest.raises(RegistryError, match=f"names no digest for {image}:v1"):
        registry.digest_of(image, "v1", stub.login())


@pytest.mark.parametrize("key", ["token", "access_token"])
def test_a_token_takes_the_place_of_the_login(tmp_path: Path, key: str) -> None:
    with stub_registry(tmp_path, scheme="Bearer", token_key=key, **LOGIN) as stub:
        digest = stub.push("delight", "v1", {"one": "1"})
        assert registry.digest_of(f"{stub.address}/delight", "v1", stub.login()) == digest
        asked = "HEAD /v2/delight/manifests/v1"
        assert stub.asked == [asked, "GET /token", asked]
        assert registry.labels_of(f"{stub.address}/delight", digest, stub.login()) == {"one": "1"}


def test_a_login_that_the_token_authority_refuses(tmp_path: Path) -> None:
    with stub_registry(tmp_path, scheme="Bearer", **LOGIN) as stub:
        login = Login("builder", "another", stub.ca)
        with pytest.raises(RegistryError, match="refuses the login 'builder' for delight; check"):
            registry.digest_of(f"{stub.address}/delight", "v1", login)
        assert stub.asked == ["HEAD /v2/delight/manifests/v1", "GET /token"]


def test_a_token_for_everybody(tmp_path: Path) -> None:
    with stub_registry(tmp_path, scheme="Bearer") as stub:
        digest = stub.push("delight", "v1", {})
        anonymous = Login(ca=stub.ca)
        assert registry.digest_of(f"{stub.address}/delight", "v1", anonymous) == digest


def test_a_registry_that_is_down_leaves_a_way_to_deploy() -> None:
    with socket.socket() as silent:  # bound, so nobody else's, and it does not listen
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match=rf"{address} does not answer \(ConnectionError\)"):
            registry.digest_of(f"{address}/delight", "v1", Login("builder", PASSWORD))


@pytest.mark.parametrize("other", [False, True], ids=["public authorities", "another authority"])
def test_a_foreign_certificate_is_not_trusted(
    stub: StubRegistry, image: str, tmp_path: Path, other: bool
) -> None:
    (tmp_path / "other").mkdir()
    ca = self_signed(tmp_path / "other").certificate.read_text() if other else ""
    with pytest.raises(Unreachable, match=r"does not answer \(SSLError\)"):
        registry.digest_of(image, "v1", Login("builder", PASSWORD, ca))
    assert stub.asked == [], "no login was sent"


def test_settings_of_the_machine_do_not_count(
    stub: StubRegistry, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = stub.push("team/delight.api", "v1", {})
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert registry.digest_of(image, "v1", stub.login()) == digest
