#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds a kernel from the prepared tree, unless the last build is current."""

import argparse

from lib import command
from lib.kernel import IMPL_HELP, IMPLS, Kernel
from lib.progress import note


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--impl', choices=IMPLS, default='rust',
                        help=f'{IMPL_HELP}; kunit: the debug kernel (default: rust)')
    kernel = Kernel(parser.parse_args().impl)
    kernel.ensure()
    note(f'{kernel.impl}: {kernel.image}')


if __name__ == '__main__':
    command.run(main)
