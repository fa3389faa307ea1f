"""Run a load by hand: `python -m tests.fleet.support URL --rate 200 --seconds 30`."""

import argparse
import json
import sys
import threading

from tests.fleet.support.load import Load


def main() -> int:
    """Run a load by hand; 1 when a request failed."""
    parser = argparse.ArgumentParser(description="A steady load that counts every failure.")
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--slow-rate", type=float, default=2)
    parser.add_argument("--streams", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--path", default="/")
    parser.add_argument("--host", default="")
    args = parser.parse_args()
    load = Load(
        args.url,
        rate=args.rate,
        slow_rate=args.slow_rate,
        streams=args.streams,
        path=args.path,
        host=args.host,
    )
    with load:
        try:
            threading.Event().wait(args.seconds)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
    print(json.dumps(load.report.summary(), indent=2))
    return int(bool(load.report.failures))


if __name__ == "__main__":
    raise SystemExit(main())
