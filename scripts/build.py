#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds a kernel from the prepared tree, unless the last build is current."""

import argparse

from lib import command
from lib.arch import add_arch
from lib.kernel import Kernel, add_impl
from lib.progress import note


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_impl(parser)
    add_arch(parser)
    args = parser.parse_args()
    kernel = Kernel(args.impl, args.arch)
    kernel.ensure()
    note(f'{kernel.name}: {kernel.image}')


if __name__ == '__main__':
    command.run(main)
