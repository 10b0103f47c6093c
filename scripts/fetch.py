#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fetches the kernel source that LINUX_SRC= does not give: Debian's newest package.

What was fetched once is kept in the cache and used from then on.
"""

import argparse

from lib import command, source
from lib.lock import lock
from lib.progress import note


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--newest', action='store_true',
                        help='look for a newer package than the one in the cache')
    newest = parser.parse_args().newest
    with lock(source.FETCHING):
        note(f'kernel source: {source.fetch() if newest else source.find().path}')


if __name__ == '__main__':
    command.run(main)
