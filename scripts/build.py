#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds a kernel from the prepared tree, unless the last build is current."""

import argparse

from lib import command
from lib.kernel import Kernel, add_impl
from lib.progress import note


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_impl(parser)
    kernel = Kernel(parser.parse_args().impl)
    kernel.ensure()
    note(f'{kernel.impl}: {kernel.image}')


if __name__ == '__main__':
    command.run(main)
