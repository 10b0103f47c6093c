#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Brings the prepared kernel tree up to date: source, overlay, patches.

Only files whose content differs are written. When a patch does not apply, the
tree is left as it was.
"""

import argparse

from lib import command, tree
from lib.lock import lock
from lib.progress import note


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with lock():
        tree.prepare()
        note(f'kernel tree: {tree.prepared().root}')


if __name__ == '__main__':
    command.run(main)
