"""What there is to build: asks git and the registry, on the controller, and changes nothing.

`images: {images: …, version: …, force: false, ca_file: …}` returns `version` and `builds`, one
entry per image: `name`, `reference` (repository:tag), `repository`, `argv` (the build), `digest`
(in the registry, '' where it must be built) and `wanted` (whether to build and push).
`compare: false` takes what the registry has under the tag, whatever it was made from.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import build
from delight.config import PROJECT
from delight.errors import ConfigError
from delight.registry import Login, RegistryError
from delight.version import NoVersion


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs once, opens no connection, and is the same in check mode."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(
        {
            *("images", "version", "force", "compare", "ca_file"),
            *("username", "password", "registry_ca"),
        }
    )

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            return result | {"changed": False} | self._plan(self._task.args)
        except (ConfigError, NoVersion, RegistryError) as error:
            return result | {"failed": True, "msg": str(error)}

    def _plan(self, args: dict[str, Any]) -> dict[str, Any]:
        images = build.validate(args["images"], PROJECT)
        tree = build.tree(PROJECT)
        tag = str(args.get("version") or tree.source)
        if not build.TAG.fullmatch(tag):
            raise ConfigError([f"version: {tag!r} can't be the tag of an image"])
        username = str(args.get("username") or "")
        password = str(args.get("password") or "") if username else ""
        login = Login(username, password, str(args.get("registry_ca") or ""))
        with ThreadPoolExecutor(max_workers=8) as pool:
            asked = tree if args.get("compare", True) else None
            digests = list(pool.map(lambda image: build.present(image, tag, asked, login), images))
        ca_file = str(args.get("ca_file") or "")
        builds = [
            {
                "name": image.name,
                "repository": image.image,
                "reference": f"{image.image}:{tag}",
                "digest": digest,
                "wanted": bool(args.get("force")) or not digest,
                "argv": build.build_argv(
                    image, PROJECT, tag, build.labels_for(image, tree, tag), ca_file
                ),
            }
            for image, digest in zip(images, digests, strict=True)
        ]
        return {"version": tag, "builds": builds}
