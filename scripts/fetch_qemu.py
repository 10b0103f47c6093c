#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fetches the QEMU of Debian 12's backports to the cache, where it is found first.

QEMU before 8.1 emulates processors, a thread for each, that may run code which
another of them has just changed. A kernel patches its own code at run time, so it
faults or hangs now and then. The package's libraries are those of Debian 12's own.
"""

import argparse

from lib import archive, command, qemu
from lib.arch import add_arch

SUITE = 'bookworm-backports'
PACKAGES = ('qemu-system-common', 'qemu-system-data')


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arch(parser, qemu.MACHINES)
    arch = parser.parse_args().arch
    archive.unpack(SUITE, (qemu.MACHINES[arch].package, *PACKAGES), qemu.own(arch))


if __name__ == '__main__':
    command.run(main)
