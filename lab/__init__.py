"""The lab: Debian hosts on this machine, for `local`, the tests and the benchmarks.

Layers: *data* (paths, inventory, images), *commands* (pure functions that build
argv and file content) and *acts* (engine, hosts, seeding, secrets) that run them.
"""
