#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fetches a static busybox for guests of another architecture to the cache.

The host's programs do not run there.
"""

import argparse

from lib import archive, command, initramfs, qemu
from lib.arch import X86

SUITE = 'trixie'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('arch', choices=[arch for arch in qemu.MACHINES if arch != X86])
    arch = parser.parse_args().arch
    archive.unpack(SUITE, ['busybox-static'], initramfs.own(arch), arch)


if __name__ == '__main__':
    command.run(main)
