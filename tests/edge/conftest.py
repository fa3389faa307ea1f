"""Edges before two replicas of the test application: one a module, and those that a test breaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lab import engine, images
from tests.edge.application import application
from tests.edge.process import Edge, proxy_folder
from tests.render.edge_texts import backends, slot

BLUE = {"*/": "api-blue"}
READY = {"pool": "in", "ready": "yes"}


@pytest.fixture(scope="session", autouse=True)
def lab_images() -> None:
    """An engine with the image of the edge."""
    engine.ensure()
    images.ensure()


@pytest.fixture(scope="session")
def slots(lab_images: None) -> Iterator[str]:
    """backends.cfg of two slots, `api-blue` and `api-green`, whose replicas run."""
    with ExitStack() as running:
        apps = [running.enter_context(application(name)) for name in ("api-blue", "api-green")]
        found = (slot(app.name, "127.0.0.1", port=app.port, check_path="/health") for app in apps)
        yield backends(*found)


@pytest.fixture
def bare(slots: str) -> Iterator[Edge]:
    """An edge of the test's own with files and no process yet; it will serve all from blue."""
    with proxy_folder(Edge) as edge:
        serve_from_blue(edge, slots)
        yield edge


@pytest.fixture
def own_edge(bare: Edge) -> Edge:
    """A running edge of the test's own, to be reloaded or hurt."""
    bare.start()
    return bare


@pytest.fixture(scope="module")
def shared_edge(slots: str) -> Iterator[Edge]:
    """The process behind `edge`."""
    with proxy_folder(Edge) as edge:
        serve_from_blue(edge, slots)
        edge.start()
        yield edge


@pytest.fixture
def edge(shared_edge: Edge) -> Edge:
    """A running edge that serves all from blue; the module's tests share it, with fresh maps."""
    shared_edge.commit("live.map", BLUE)
    shared_edge.commit("pool.map", READY)
    return shared_edge


def serve_from_blue(edge: Edge, slots: str) -> None:
    """Write what the release engine writes."""
    edge.write("backends.cfg", slots)
    for name, entries in (("live.map", BLUE), ("pool.map", READY)):
        edge.write(name, "".join(f"{key} {value}\n" for key, value in entries.items()))
