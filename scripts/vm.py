#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boots a kernel in QEMU and runs a shell command on it.

The guest sees the host's files, but for /dev, /proc, /run and /sys, read only;
what it writes is kept in memory, but for the checkout's build/, which it shares.
The command starts in the same folder as here, its output comes out here, and its
exit status is returned. An exit status of 70 says that the command did well and
the kernel reported a fault, of 124 that time ran out. Kernel messages go to
build/log/vm-*.log.

The host's programs do not run on another architecture. There the guest has a
busybox of its own, with build/, and the command is for its sh.
"""

import argparse
import signal
import sys

from lib import command, qemu, vm
from lib.arch import add_arch
from lib.kernel import add_impl


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_impl(parser)
    add_arch(parser, qemu.MACHINES)
    parser.add_argument('--last', action='store_true',
                        help='boot the last image that was built, whatever the sources say')
    parser.add_argument('--memory', default='2G', help='of the guest (default: 2G)')
    parser.add_argument('--cpus', type=int, default=2, help='of the guest (default: 2)')
    parser.add_argument('--timeout', type=float, metavar='SECONDS',
                        help='stop the guest after so long (default: an hour; a shell: never)')
    parser.add_argument('--append', action='append', default=[], metavar='ARG',
                        help='one more argument for the kernel')
    parser.add_argument('command', nargs='?', default='',
                        help='for bash -c; without it, a shell on this terminal')
    args = parser.parse_args()
    # An exception, so that QEMU is ended.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    return vm.run(args.impl, args.command, kernel_args=args.append, memory=args.memory,
                  cpus=args.cpus, timeout=args.timeout, build=not args.last, arch=args.arch)


if __name__ == '__main__':
    command.run(main)
