"""Words in packets of one host: runs there as `python3 -c`, with {name: [forms of it]} as a line of JSON on its input.

It looks at every packet of every interface until its input ends, then prints [[name, the address and port of the
server it went to, and of the client]] as JSON. Standard library only.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys

ALL = 3  # ETH_P_ALL
IP = 0x0800
TCP = 6


def ends(packet: bytes) -> list[str]:
    """Both ends of a TCP packet, the smaller port first: the server's; empty for any other."""
    ip = packet[14:]
    if struct.unpack("!H", packet[12:14])[0] != IP or ip[9] != TCP:
        return []
    tcp = ip[(ip[0] & 15) * 4 :]
    ports = struct.unpack("!HH", tcp[:4])
    addresses = (socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20]))
    pairs = sorted(zip(ports, addresses, strict=True))
    return [f"{address}:{port}" for port, address in pairs]


def main() -> None:
    words = {
        name: [form.encode() for form in forms]
        for name, forms in json.loads(sys.stdin.readline()).items()
    }
    found: set[tuple[str, ...]] = set()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        print("listening", flush=True)
        while True:
            ready, _, _ = select.select([wire, sys.stdin], [], [])
            if wire in ready:
                packet = wire.recv(1 << 16)
                for name, forms in words.items():
                    if any(form in packet for form in forms):
                        found.add((name, *ends(packet)))
            elif sys.stdin in ready:
                break
    print(json.dumps(sorted(found)))


if __name__ == "__main__":
    main()
