"""A mistake of a configuration is told by its place and its kind, no value, however much is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.support.commands import run

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.promise("S1", "S2", "S3")

WORD = "hunter22"  # in every secret there is
VAULT: dict[str, Any] = {
    "secrets": {
        "DATABASE_URL": f"postgresql://shop:{WORD}{WORD}@db/shop",
        "TOKEN": f"{WORD}-token",
    },
    "release_hmac_key": f"a key of the release: {WORD}",
    "registry_password": f"{WORD}-registry",
    "postgres_password": f"{WORD}-postgres",
    "postgres_user": "delight_2",
}
MAIN = {
    "env_name": "shop",
    "registry": "registry.test",
    "registry_username": "bot",
    "services": {
        "api": {"image": "registry.test/shop/api:1", "port": 80, "routes": [{"path": "/"}]}
    },
}
HOSTS = {"all": {"children": {"shop": {"children": {"app": {"hosts": {"app1": None}}}}}}}
SECRET = "{{ secrets.DATABASE_URL }}"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An environment, `shop`, in a folder of its own: nothing is wrong with it. Its password is beside it."""
    inventory = tmp_path / "shop"
    variables = inventory / "group_vars/shop"
    variables.mkdir(parents=True)
    (inventory / "hosts.yml").write_text(yaml.safe_dump(HOSTS))
    (variables / "main.yml").write_text(yaml.safe_dump(MAIN))
    password = tmp_path / "password"
    password.write_text(f"{WORD}-vault\n")
    password.chmod(0o600)
    put(inventory, yaml.safe_dump(VAULT))
    return inventory


def put(shop: Path, text: str) -> None:
    """Give the environment another vault."""
    made = VaultLib().encrypt(text, secret=VaultSecret(f"{WORD}-vault".encode()), vault_id="shop")
    (shop / "group_vars/shop/vault.yml").write_bytes(made)


def told(shop: Path, **variables: Any) -> list[str]:
    """The lines of what `validate.yml` says, with `variables` in place of others, at any verbosity."""
    given, password = shop.parent / "given.json", shop.parent / "password"
    given.write_text(json.dumps(variables))
    words = ("-i", str(shop), "-e", f"@{given}", "-vvvv", "--diff", "--check")
    done = run(ROOT, "ansible-playbook", "validate.yml", *words,
               ANSIBLE_VAULT_IDENTITY_LIST=f"shop@{password}")  # fmt: skip
    assert WORD not in done.stdout
    assert done.returncode == 20, done.stdout
    return [line.strip() for line in done.stdout.replace("''", "'").splitlines()]


def test_a_secret_where_a_key_of_a_service_belongs(shop: Path) -> None:
    keys: dict[str, Any] = {
        **dict.fromkeys(
            ("image", "port", "memory", "replicas", "drain", "warm", "shm", "cpus"), SECRET
        ),
        **dict.fromkeys(
            ("env", "routes", "health", "migrate", "build", "writable", SECRET), SECRET
        ),
        "secrets": [{"name": SECRET, "deliver": SECRET}],
        "capabilities": [SECRET],
    }
    services = {
        f"with-{key}".replace(SECRET, "key").lower(): {"image": "x", key: value}
        for key, value in keys.items()
    }
    lines = told(shop, services=services)
    for name in services.keys() - {"with-key"}:
        assert any(line.startswith(f"services.{name}.{name[5:]}") for line in lines), name
    assert "services: must be a mapping of service names" in " ".join(told(shop, services="api"))


def test_a_template_that_fails_on_a_secret(shop: Path) -> None:
    lines = told(
        shop,
        services={"api": {"env": {"X": "{{ secrets[secrets.DATABASE_URL] }}"}}},
        images={"api": "{{ secrets.TOKEN | from_json }}"},
        version="{{ lookup('file', secrets.TOKEN) }}",
        app_source="{{ secrets.TOKEN + 1 }}",
        registry_ca="{{ secrets.TOKEN | dict2items }}",
        registries="{{ secrets.TOKEN.foo.bar }}",
        release_root="{{ secrets.TOKEN | no_such_filter }}",
        result_file="{{ secrets.TOKEN | mandatory(1, 2, 3) }}",
    )  # fmt: skip
    assert "services: object of type 'dict' has no attribute '••••••'" in lines
    for name in ("images", "version", "app_source", "registry_ca", "registries", "release_root"):
        assert any(line.startswith(f"{name}: ") for line in lines), name


def test_a_secret_that_would_stand_in_the_open(shop: Path) -> None:
    lines = told(
        shop,
        services={
            "api": {
                "image": "x/y:1",
                "env": {
                    "URL": SECRET,
                    "PASSWORD": "{{ secrets.DATABASE_URL | urlsplit('password') }}",
                    "CODED": "{{ ('user:' ~ secrets.TOKEN) | b64encode }}",
                    "OWN": "postgresql://{{ postgres_user }}:{{ postgres_password | urlencode }}@db/x",
                    "USER": "{{ postgres_user }}",
                },
                "command": ["serve", "--key={{ release_hmac_key }}"],
            }
        },
        version="{{ secrets.TOKEN }}",
        app_source="/srv/{{ registry_password }}",
    )
    way_out = "which would stand in the open: a service gets it by its name in `secrets`"
    assert "INVALID: 7 mistakes, and no host was touched" in lines
    for path, name in [
        ("env.URL", "secrets.DATABASE_URL"),
        ("env.PASSWORD", "secrets.DATABASE_URL"),
        ("env.CODED", "secrets.TOKEN"),
        ("env.OWN", "postgres_password"),
        ("command[1]", "release_hmac_key"),
    ]:
        assert f"services.api.{path}: holds {name}, {way_out}" in lines
    assert "version: holds secrets.TOKEN, which would stand in the open" in lines
    assert "app_source: holds registry_password, which would stand in the open" in lines


def test_what_is_no_text_where_one_belongs(shop: Path) -> None:
    wrong = {"secrets": {"DATABASE_URL": {WORD: WORD}, "TOKEN": [WORD]}, "release_hmac_key": WORD}
    put(shop, yaml.safe_dump(VAULT | wrong | {"registry_password": [WORD]}))
    services = {"api": {"image": "x/y:1", "secrets": ["DATABASE_URL", "TOKEN"]}}
    lines = told(
        shop,
        services=services,
        compromised_secrets={"TOKEN": SECRET},
        registries={"other.test": {"username": "x", "password": SECRET, "wrong": SECRET}},
        skip_gate="perhaps",
        migrate="perhaps",
    )
    for said in (
        "secrets.DATABASE_URL: must be a text (found a mapping)",
        "secrets.TOKEN: must be a text (found a list)",
        "release_hmac_key: must be a text of at least 16 characters",
        "registry_password: must be a text (found a list)",
        "registries.other.test",
        "skip_gate: is neither true nor false",
        "migrate: is neither manual nor before",
    ):
        assert any(line.startswith(said) for line in lines), (said, lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(f"secrets: '{WORD}", "vault.yml:2 is no YAML: While scanning", id="a quote"),
        pytest.param(
            f"secrets:\n  TOKEN: {WORD}: x", "vault.yml:2 is no YAML: Mapping", id="a colon"
        ),
        pytest.param(f"secrets: !hunt {WORD}", "vault.yml:1 is no YAML: Could not", id="a tag"),
        pytest.param(f"- {WORD}", "failed to combine variables", id="a list"),
        pytest.param(
            yaml.safe_dump(VAULT | {"secrets": WORD}),
            "secrets: must be a mapping (found a text)",
            id="a text",
        ),
        pytest.param(
            yaml.safe_dump(VAULT | {"secrets": {"TOKEN": {WORD: 22}}}),
            "secrets.TOKEN is read as a number",
            id="a number",
        ),
    ],
)
def test_a_vault_that_is_none(shop: Path, text: str, said: str) -> None:
    put(shop, f"{text}\n")
    assert said in " ".join(told(shop))
