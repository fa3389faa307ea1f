"""The stub registry of the unit tests answers as a real one does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from delight.registry import ACCEPT

from tests.image.conftest import PASSWORD, USERNAME, Registry
from tests.support.registry import MANIFEST, stub_registry
from tests.support.waiting import PATIENCE_S

LOGIN = (USERNAME, PASSWORD)
CONFIG = b'{"os": "linux", "architecture": "amd64", "config": {"Labels": {"one": "1"}}}'


def digest(body: bytes) -> str:
    """The name of a content."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


DESCRIBED = {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "size": len(CONFIG),
    "digest": digest(CONFIG),
}
BODY = json.dumps(
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": DESCRIBED, "layers": []}
).encode()


@dataclass
class Server:
    """Where to ask, and the file with its certificate."""

    address: str
    ca_file: Path


Pair = tuple[Server, Server]


def ask(server: Server, method: str, path: str, **more: Any) -> requests.Response:
    """One request with the login; `path` is below /v2/, or a whole URL."""
    url = path if path.startswith("https:") else f"https://{server.address}/v2/{path}"
    options: dict[str, Any] = {"auth": LOGIN, "verify": str(server.ca_file)} | more
    return requests.request(method, url, timeout=PATIENCE_S, **options)


@pytest.fixture(scope="module")
def pair(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The real one and the stub, with the same image in both."""
    folder = tmp_path_factory.mktemp("stub")
    (folder / "real.crt").write_text(registry.ca)
    real = Server(registry.address, folder / "real.crt")
    place = ask(real, "POST", "stub/blobs/uploads/").headers["Location"]
    assert ask(real, "PUT", f"{place}&digest={digest(CONFIG)}", data=CONFIG).status_code == 201
    kind = {"Content-Type": MANIFEST}
    assert ask(real, "PUT", "stub/manifests/v1", data=BODY, headers=kind).status_code == 201
    with stub_registry(folder, username=USERNAME, password=PASSWORD) as stub:
        stub.put("stub", "v1", MANIFEST, BODY)
        stub.put_blob("stub", CONFIG)
        yield real, Server(stub.address, folder / "certificate.crt")


TAGGED = "stub/manifests/v1"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize(
    ("path", "more"),
    [
        (TAGGED, {}),
        (f"stub/manifests/{digest(BODY)}", {}),
        (f"stub/blobs/{digest(CONFIG)}", {}),
        ("stub/manifests/v2", {}),
        (f"stub/manifests/{digest(b'')}", {}),
        (f"stub/blobs/{digest(b'')}", {}),
        ("other/manifests/v1", {}),
        (TAGGED, {"auth": None}),
        (TAGGED, {"auth": (USERNAME, "wrong")}),
        (TAGGED, {"auth": ("wrong", PASSWORD)}),
        (TAGGED, {"headers": {"Accept": "application/json"}}),
    ],
    ids=[
        *("tag", "digest", "blob", "no tag", "no digest", "no blob", "no repository"),
        *("anonymous", "wrong password", "wrong name", "other media type"),
    ],
)
def test_same_answers(pair: Pair, method: str, path: str, more: dict[str, Any]) -> None:
    more = {"headers": {"Accept": ACCEPT}} | more
    real, stub = (outline(ask(server, method, path, **more)) for server in pair)
    assert stub == real


def outline(answer: requests.Response) -> dict[str, Any]:
    """What a client of the registry may build on."""
    found = {
        "status": answer.status_code,
        "scheme": answer.headers.get("WWW-Authenticate", "").partition(" ")[0],
    }
    names = ["Docker-Distribution-Api-Version", "Docker-Content-Digest", "Content-Type"]
    found |= {name: answer.headers.get(name) for name in names}
    if answer.request.method == "HEAD":
        return found
    if answer.status_code == 200:
        return found | {"body": answer.content}
    return found | {"codes": [error["code"] for error in answer.json()["errors"]]}
