"""The variables that a run reads, all of them the fleet's and none a single host's.

A playbook's processes need no more of the configuration than these names.
"""

from __future__ import annotations

# What a plan needs beside the services: the aliases of `schema.Settings`.
SETTINGS = (
    *("app_subnet", "release_keep", "release_memory_margin", "release_disk_free"),
    *("release_inodes_free", "database_max_connections", "retire_drain", "deploy_engine"),
    *("release_https", "release_root"),
)
NAMES = (
    *("env_name", "services", "secrets", "compromised_secrets", "release_hmac_key"),
    *("app_source", "version", "images", "release", "migrate", "skip_gate", "allow_mixed"),
    *("takeover", "result_file"),
    *("registry", "registry_username", "registry_password", "registry_ca", "registries"),
    *SETTINGS,
)
# The phases that begin a run: the tasks of these bring its inputs.
FIRST = ("recover", "status")
# The playbooks that make a run, or look as one does.
PLAYBOOKS = {"deploy.yml", "rollback.yml", "migrate.yml", "recover.yml", "retire.yml", "status.yml"}
