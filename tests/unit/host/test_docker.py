"""What Docker says of containers, as acts understand it."""

from __future__ import annotations

from typing import Any

import pytest
from delight.host import docker


def test_what_became_of_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {"State": {"Running": True, "ExitCode": 0}, "RestartCount": 3}
    monkeypatch.setattr(docker, "inspect", lambda container: found)
    assert docker.restarts("c") == 3
    assert docker.death("c", 3) == ""
    assert docker.death("c", 2) == "its container was restarted after the gate had begun"
    found["State"] = {"Running": False, "ExitCode": 137, "OOMKilled": True}
    assert docker.death("c", 3) == "its container exited with status 137, out of memory"
