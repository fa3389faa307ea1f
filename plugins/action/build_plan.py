"""What there is to build: asks git and the registry, on the controller, and changes nothing.

`build_plan: {images: …, source: …, version: …, force: false, ca_file: …}` returns `version` and `builds`, one
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

from delight import build, resolve
from delight.config import source_folder, version_asked
from delight.errors import ConfigError
from delight.reference import TAG, split
from delight.registry import Login, RegistryError
from delight.version import NoVersion, source_version


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs once, opens no connection, and is the same in check mode."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(
        {
            *("images", "source", "version", "force", "compare", "ca_file"),
            *("registry", "username", "password", "registry_ca"),
        }
    )

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            if task_vars and (mistakes := self._in_the_open(task_vars)):
                raise ConfigError(mistakes)
            return result | {"changed": False} | self._plan(self._task.args)
        except (ConfigError, NoVersion, RegistryError) as error:
            return result | {"failed": True, "msg": str(error)}

    def _in_the_open(self, task_vars: dict[str, Any]) -> list[str]:
        """Secrets in what an image is built with, which its history keeps."""
        args = self._task.args
        shown = {"build_images": args["images"], "version": args.get("version")}
        return resolve.in_the_open(self._templar, task_vars, **shown)

    def _plan(self, args: dict[str, Any]) -> dict[str, Any]:
        source = source_folder(str(args.get("source") or ""))
        images = build.validate(args["images"], source)
        tag = version_asked(args.get) or source_version(source)
        if not TAG.fullmatch(tag):
            raise ConfigError(["version: an image is built under a tag, not under a digest"])
        username = str(args.get("username") or "")
        password = str(args.get("password") or "") if username else ""
        own = split(f"{args['registry']}/-")[0]
        logins = {own: Login(username, password, str(args.get("registry_ca") or ""))}
        with ThreadPoolExecutor(max_workers=8) as pool:
            inputs = [image.inputs(source) for image in images]
            asked = inputs if args.get("compare", True) else [""] * len(images)
            digests = list(
                pool.map(
                    lambda one: build.present(one[0], tag, one[1], logins),
                    zip(images, asked, strict=True),
                )
            )
        ca_file = str(args.get("ca_file") or "")
        builds = [
            {
                "name": image.name,
                "repository": image.image,
                "reference": f"{image.image}:{tag}",
                "digest": digest,
                "wanted": bool(args.get("force")) or not digest,
                "argv": build.build_argv(
                    image,
                    source,
                    tag,
                    build.labels_for(image, build.tree(source / image.context), tag, made_from),
                    ca_file,
                ),
            }
            for image, digest, made_from in zip(images, digests, inputs, strict=True)
        ]
        return {"version": tag, "builds": builds}
