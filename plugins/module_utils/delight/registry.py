"""Questions to an image registry: digests and labels. Used on the controller only.

Three requests of the distribution API on `requests`; a client library (python-dxf, oras) makes uploads easy,
which the engine does, and leaves logins, authorities and messages to its user all the same.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from delight.reference import DIGEST, split

if TYPE_CHECKING:
    from requests import Response, Session

ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)
TIMEOUT_S = 10
ADDRESS = re.compile(r"[\d.]+|.*:.*")  # of a host that has no name


class RegistryError(Exception):
    """The registry did not name a digest; one line with the way out."""


class MissingImage(RegistryError):
    """The registry answers and has no such image or tag."""


class Unreachable(RegistryError):
    """The registry does not answer, or not in a way we trust."""


@dataclass(frozen=True)
class Login:
    """Who asks; an empty user name asks anonymously. `ca` is PEM text, empty for public CAs."""

    username: str = ""
    password: str = ""
    ca: str = ""


def resolve(
    images: Mapping[str, str], tags: Mapping[str, str], logins: Mapping[str, Login]
) -> dict[str, str]:
    """{service: repository@sha256:…} for {service: repository} and {service: tag or digest}.

    `logins` are by host; one goes to its own alone.
    """
    asked = sorted({(images[name], tags[name]) for name in images})
    with ThreadPoolExecutor(max_workers=8) as pool:
        digests = pool.map(
            lambda one: digest_of(one[0], one[1], logins.get(split(one[0])[0], Login())), asked
        )
        found = dict(zip(asked, digests, strict=True))
    return {n: f"{images[n]}@{found[images[n], tags[n]]}" for n in images}


def digest_of(image: str, tag: str, login: Login) -> str:
    """The digest `tag` stands for now; a digest stands for itself."""
    if DIGEST.fullmatch(tag):
        return tag
    answer = _ask("HEAD", image, f"manifests/{tag}", login)
    found = answer.headers.get("Docker-Content-Digest", "")
    if not DIGEST.fullmatch(found):
        raise RegistryError(f"registry {split(image)[0]} names no digest for {image}:{tag}")
    return found


def labels_of(image: str, digest: str, login: Login) -> dict[str, str]:
    """The labels of an image; of an index, those of its first platform."""
    manifest = _ask("GET", image, f"manifests/{digest}", login).json()
    if "manifests" in manifest:
        first = manifest["manifests"][0]["digest"]
        manifest = _ask("GET", image, f"manifests/{first}", login).json()
    config = _ask("GET", image, f"blobs/{manifest['config']['digest']}", login).json()
    return dict(config.get("config", {}).get("Labels") or {})


def _ask(method: str, image: str, path: str, login: Login) -> Response:
    """The registry's good answer about `image`, or a RegistryError that says what is wrong."""
    from requests import RequestException

    host, repository = split(image)
    session = _session(host, login.ca)
    url = f"https://{host}/v2/{repository}/{path}"
    headers = {"Accept": ACCEPT}
    auth = (login.username, login.password) if login.username else None
    try:
        answer = session.request(method, url, headers=headers, auth=auth, timeout=TIMEOUT_S)
        if answer.status_code == 401 and _wants_token(answer):
            reply = _token(session, answer, auth)
            if reply.status_code == 200:
                headers["Authorization"] = f"Bearer {_in(reply)}"
                reply = session.request(method, url, headers=headers, timeout=TIMEOUT_S)
            answer = reply
    except RequestException as error:
        cause = type(error).__name__
        raise Unreachable(
            f"registry {host} does not answer ({cause}); check it, or deploy by digest with "
            '-e \'{"images": {"<service>": "sha256:…"}}\''
        ) from error
    name = path.rpartition("/")[2]
    if answer.status_code == 404:
        raise MissingImage(f"image {image}:{name} does not exist; build and push it with build.yml")
    if answer.status_code in (401, 403):
        raise RegistryError(
            f"registry {host} refuses the login {login.username or '(anonymous)'!r} for {repository}; "
            "check registry_username and registry_password, or its entry in registries"
        )
    if answer.status_code != 200:
        raise RegistryError(f"registry {host} answered {answer.status_code} for {image}:{name}")
    return answer


def _session(host: str, ca: str) -> Session:
    """A session with `host` that trusts `ca` (PEM), or the public authorities where it is empty.

    Imported here: only a run that asks a registry pays the 0.1 s that it takes.
    """
    import requests
    from requests.adapters import HTTPAdapter

    class OwnCa(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            context = ssl.create_default_context(cadata=ca)
            super().init_poolmanager(*args, ssl_context=context, **kwargs)

    session = requests.Session()
    session.trust_env = False  # no proxy, no CA bundle and no netrc of the machine's
    if ca:
        session.mount(f"https://{host}", OwnCa())
    return session


def _wants_token(answer: Response) -> bool:
    return answer.headers.get("WWW-Authenticate", "").startswith("Bearer")


def _token(session: Session, answer: Response, auth: Any) -> Response:
    """What the authority that the registry names says to a login."""
    asked = dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["WWW-Authenticate"]))
    realm = asked.pop("realm")
    host = urlsplit(answer.url).hostname or ""
    if auth and not related(realm, host):
        raise RegistryError(
            f"registry {host} sends its login to {urlsplit(realm).hostname}, which is none of its own, or not "
            "by https; nothing was sent there. Where that is as it should be, deploy by digest"
        )
    return session.get(realm, params=asked, auth=auth, timeout=TIMEOUT_S)


def related(realm: str, host: str) -> bool:
    """Whether a login for `host` may go to the authority at the URL `realm`: itself, or one beside or above it.

    `registry.gitlab.com` sends its users to `gitlab.com`, `registry-1.docker.io` to `auth.docker.io`.
    """
    theirs = urlsplit(realm)
    if theirs.scheme != "https" or not theirs.hostname:
        return False
    domain = host.partition(".")[2]
    beside = f".{theirs.hostname}".endswith(f".{domain}") and "." in domain
    return theirs.hostname == host or (beside and not ADDRESS.fullmatch(host))


def _in(reply: Response) -> str:
    """The token in the authority's answer."""
    body = reply.json()
    return str(body.get("token") or body["access_token"])
