"""Which host has PostgreSQL and Redis, and whether they answer."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab import inventory, services
from lab.errors import LabError

ROOT = Path(__file__).resolve().parents[3]


def test_the_services_stand_where_the_registry_does() -> None:
    found = services.only_data(inventory.load(ROOT / "inventories/local"))
    assert [host.name for host in found.hosts] == ["data1"]
    with pytest.raises(LabError, match="lab_registry is missing"):
        services.only_data(inventory.load(ROOT / "molecule/inventory"))


def test_servers_answer_when_all_of_them_do(tmp_path: Path) -> None:
    file = tmp_path / "services.env"
    assert not services.answer(file)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"redis://:word@127.0.0.1:{server.getsockname()[1]}/0"
        file.write_text(f"REDIS_URL={url}\n")
        assert services.answer(file)
        file.write_text(f"REDIS_URL={url}\nDATABASE_URL=postgresql://me:word@127.0.0.1:1/x\n")
        assert not services.answer(file)
