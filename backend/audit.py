"""Look up known vulnerabilities of the locked packages: `python audit.py [--strict] FILE…`.

Exit status 1 when there is one. Without a source of advisories nothing is known: that is said,
and is a failure (status 3) only with `--strict`, for a machine that can reach one. (pip-audit
itself calls such packages skipped and reports that nothing was found.)
"""

import json
import subprocess
import sys
from typing import Any

STRICT = "--strict"
NOT_DONE = 3


def audit(files: list[str]) -> list[dict[str, Any]] | None:
    """pip-audit's entries for each package; None when it could ask nobody."""
    wanted = [argument for file in files for argument in ("--requirement", file)]
    argv = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", *wanted]
    output = ["--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    done = subprocess.run(  # noqa: S603 (our own words)
        [*argv, *output], text=True, capture_output=True, check=False
    )
    try:
        entries: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        if "ConnectionError" in done.stderr or "Timeout" in done.stderr:
            return None
        sys.exit(f"audit: pip-audit failed:\n{done.stderr}")
    return entries


def main(words: list[str]) -> int:
    """Say what was found and what could not be looked up."""
    files = [word for word in words if word != STRICT]
    entries = audit(files)
    found = [entry for entry in entries or [] if entry.get("vulns")]
    for entry in found:
        for advisory in entry["vulns"]:
            fixed = ", ".join(advisory["fix_versions"]) or "no version"
            print(f"audit: {entry['name']} {entry['version']}: {advisory['id']}, fixed in {fixed}")
    skipped = [entry["name"] for entry in entries or [] if "skip_reason" in entry]
    if entries is None or len(skipped) == len(entries):
        print("audit: NOT DONE: no source of advisories can be reached from here")
    elif skipped:
        print(f"audit: NOT DONE for {len(skipped)} of {len(entries)}: {', '.join(skipped)}")
    unknown = entries is None or bool(skipped)
    return 1 if found else NOT_DONE if unknown and STRICT in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
