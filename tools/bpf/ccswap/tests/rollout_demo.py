#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Rolls out a slow version under traffic, which the guard stops, and then a good one.

It attaches tables to the running kernel and slows its loopback device down, so it
belongs in a virtual machine, as root.
"""

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from traffic import NAME, Traffic, distance

PIN = f"/sys/fs/bpf/ccswap/{NAME}"
STEPS = ("--steps", "10%,50%,100%", "--hold", "3s", "--guard", "retransmits<5%,rate>-50%")


def main() -> int:
    """Returns 0 if everything went as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ccswap", type=Path, help="the program to show")
    parser.add_argument("--objects", type=Path, required=True, help="where the test objects are")
    args = parser.parse_args()

    def shows(expected: int, *argv: str) -> bool:
        told = shlex.join(Path(arg).name if arg.endswith(".o") else arg for arg in argv)
        print(f"\n# ccswap {told}", flush=True)
        return subprocess.run([args.ccswap, *argv], check=False).returncode == expected

    def obj(name: str) -> str:
        return str(args.objects / f"{name}.bpf.o")

    held = [shows(0, "attach", obj("first"))]
    with distance(5), Traffic(4) as traffic:
        held += [shows(1, "rollout", PIN, obj("slow"), *STEPS),
                 shows(0, "rollout", PIN, obj("second"), *STEPS),
                 shows(0, "status", PIN),
                 shows(0, "rollback", PIN)]
    held.append(shows(0, "detach", PIN))
    print(f"\n{len(traffic.names)} connections, {len(traffic.errors)} of them with an error")
    return 0 if all(held) and traffic.names and not traffic.errors else 1


if __name__ == "__main__":
    sys.exit(main())
