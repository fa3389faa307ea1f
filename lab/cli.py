"""The lab's command line."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from lab import engine, images, paths
from lab.errors import LabError

Verb = Callable[[argparse.Namespace], int]


def _env(_: argparse.Namespace) -> int:
    print(f"export DOCKER_CONFIG={paths.DOCKER_CONFIG}")
    return 0


def _engine(_: argparse.Namespace) -> int:
    print(f"engine: {engine.ensure()}")
    return 0


def _images(_: argparse.Namespace) -> int:
    engine.ensure()
    built = images.ensure()
    print(f"images: {', '.join(built) or 'present'}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The arguments of every verb."""
    top = argparse.ArgumentParser(prog="lab", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)

    def verb(name: str, act: Verb, text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(act=act)
        return sub

    verb("env", _env, "print shell exports: eval \"$(python -m lab env)\"")
    verb("engine", _engine, "make sure that a Docker engine with compose and buildx runs")
    verb("images", _images, "build the host's and the services' images; cached by recipe")
    return top


def main(argv: list[str]) -> int:
    """Run one verb; 1 with one clear line when something can't work."""
    options = parser().parse_args(argv)
    try:
        act: Verb = options.act
        return act(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
