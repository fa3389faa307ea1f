"""The release engine: data → pure commands and decisions → acts.

Modules beside this one run on the controller. `host/` runs on the hosts and uses the
Python standard library only.
"""
