#!/usr/bin/env python3
"""A weak link between two network namespaces, for kernels without netem.

usage: tun-link.py NAMESPACE-A NAMESPACE-B RATE-KBIT DELAY-MS LOSS-PERCENT [SEED]

Makes 192.0.2.1 in A and 192.0.2.2 in B, each a tun device, and carries packets between them: either way a serialising rate, a queue
of half a second that drops what does not fit, a one-way delay and independent random loss. Prints "ready" and, on SIGTERM, what came
to B as JSON: bytes and packets, connections asked for by B, and when the last packet with data arrived. Needs root and iproute2.
"""
import fcntl
import heapq
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
TUN_WITHOUT_HEADER = 0x1001
SYN, ACK = 2, 16


def tun(name, namespace, address, peer):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22s", name.encode(), TUN_WITHOUT_HEADER, b""))
    subprocess.run(["ip", "link", "set", name, "netns", namespace], check=True)
    inside = ["ip", "-n", namespace]
    subprocess.run(inside + ["addr", "add", address, "peer", peer, "dev", name], check=True)
    subprocess.run(inside + ["link", "set", name, "mtu", "1500", "up"], check=True)
    subprocess.run(inside + ["link", "set", "lo", "up"], check=True)
    # What most devices and servers use, whatever this machine's default is.
    subprocess.run(inside + ["route", "replace", peer, "dev", name, "congctl", "cubic"], check=True)
    return fd


def tcp(packet):
    """Flags and payload length of a TCP packet; (0, 0) for anything else."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != 6:
        return 0, 0
    start = (packet[0] & 15) * 4
    return packet[start + 13], len(packet) - start - (packet[start + 12] >> 4) * 4


class Direction:
    def __init__(self, rate):
        self.rate, self.queue = rate, max(32768, rate / 2)
        self.free = 0.0
        self.packets = self.bytes = self.lost = self.dropped = 0

    def send(self, size, now):
        """When the packet has left, or None if there is no room for it."""
        start = max(now, self.free)
        if (start - now) * self.rate + size > self.queue:
            self.dropped += 1
            return None
        self.free = start + size / self.rate
        self.packets += 1
        self.bytes += size
        return self.free


def main():
    a, b = sys.argv[1:3]
    rate, delay, loss = float(sys.argv[3]) * 125, float(sys.argv[4]) / 1000, float(sys.argv[5]) / 100
    chance = random.Random(int(sys.argv[6]) if len(sys.argv) > 6 else 1)
    suffix = os.getpid() % 100000
    ends = [tun(f"ct{suffix}a", a, "192.0.2.1", "192.0.2.2"), tun(f"ct{suffix}b", b, "192.0.2.2", "192.0.2.1")]
    ways = [Direction(rate), Direction(rate)]
    flying, count, connections, last = [], 0, 0, 0.0
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    print("ready", flush=True)
    while not ended:
        while flying and flying[0][0] <= time.monotonic():
            _, _, to, packet = heapq.heappop(flying)
            if to == 1 and tcp(packet)[1] > 0:
                last = time.time()
            try:
                os.write(ends[to], packet)
            except OSError:
                pass
        wait = max(0.0, flying[0][0] - time.monotonic()) if flying else 0.2
        for fd in select.select(ends, [], [], wait)[0]:
            way = ends.index(fd)
            try:
                packet = os.read(fd, 65535)
            except OSError:
                continue
            if way == 1 and tcp(packet)[0] & (SYN | ACK) == SYN:
                connections += 1
            left = ways[way].send(len(packet), time.monotonic())
            if left is None:
                continue
            if chance.random() < loss:
                ways[way].lost += 1
                continue
            count += 1
            heapq.heappush(flying, (left + delay, count, 1 - way, packet))
    down = ways[0]
    print(json.dumps({"bytes": down.bytes, "packets": down.packets, "lost": down.lost, "dropped": down.dropped,
                      "up_bytes": ways[1].bytes, "syns": connections, "last": last}), flush=True)


main()
