"""How much of a bare route's throughput the health keeps: `python -m benchmarks.health`.

Both run at once, one worker each, and are asked in turns, so that a busy machine slows both.
Needs wrk, PostgreSQL and Redis: apt-get install wrk postgresql redis-server.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.backing import Postgres, Redis, running
from tests.process import Service, service

PATH = "/api/v1/health"
CONNECTIONS = 16


class Result(NamedTuple):
    """Requests per second as wrk counts them, and microseconds of CPU that each took."""

    rate: float
    cpu: float


def measure(wrk: str, target: Service, seconds: int) -> Result:
    """One measurement; an answer that is no 2xx ends it all."""
    bounds = f"--threads 1 --connections {CONNECTIONS} --duration {seconds}s --timeout 30s"
    before = cpu_seconds(target.process.pid)
    done = subprocess.run(  # noqa: S603 (our own words)
        [wrk, *bounds.split(), target.url + PATH], text=True, capture_output=True, check=True
    )
    used = cpu_seconds(target.process.pid) - before
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    count = re.search(r"(\d+) requests in", done.stdout)
    if rate is None or count is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        sys.exit(done.stdout)
    return Result(float(rate[1]), used / int(count[1]) * 1e6)


def cpu_seconds(pid: int) -> float:
    """What the process has used so far, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print each round, then the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    options = parser.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    rounds: list[tuple[Result, Result]] = []
    with running(Postgres) as postgres, running(Redis) as redis:
        values = {"DATABASE_URL": postgres.url(), "REDIS_URL": redis.url(), "RELEASE": "r-1"}
        with service(values) as real, service({}, "benchmarks.bare") as bare:
            for target in (real, bare):
                measure(wrk, target, options.seconds)  # warms up
            for _ in range(options.rounds):
                rounds.append(
                    (measure(wrk, real, options.seconds), measure(wrk, bare, options.seconds))
                )
                ours, theirs = rounds[-1]
                print(
                    f"health {ours.rate:6.0f}/s {ours.cpu:4.0f} us   "
                    f"bare {theirs.rate:6.0f}/s {theirs.cpu:4.0f} us"
                )
    rate = statistics.median(ours.rate / theirs.rate for ours, theirs in rounds)
    cpu = statistics.median(theirs.cpu / ours.cpu for ours, theirs in rounds)
    print(f"ratio of throughput {rate:.2f}, of requests per second of CPU {cpu:.2f}")


if __name__ == "__main__":
    main()
