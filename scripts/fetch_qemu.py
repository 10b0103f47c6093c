#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fetches the QEMU of Debian 12's backports to the cache, where it is found first.

QEMU before 8.1 emulates processors, a thread for each, that may run code which
another of them has just changed. A kernel patches its own code at run time, so it
faults or hangs now and then. The package's libraries are those of Debian 12's own.
"""

import argparse
import shutil

from lib import command, qemu
from lib.archive import answering
from lib.errors import Failure
from lib.lock import lock
from lib.paths import LOG, cache
from lib.process import step

SUITE = 'bookworm-backports'
PACKAGES = ('qemu-system-x86', 'qemu-system-common', 'qemu-system-data')


def fetch() -> None:
    state, scratch = cache() / 'download/apt-qemu', cache() / 'tools/qemu.new'
    log = LOG / 'qemu.log'
    for archive in answering([SUITE], state, log):
        shutil.rmtree(scratch, ignore_errors=True)
        for name in PACKAGES:
            package = archive.download(f'{name}/{SUITE}', state)
            if not package:
                break
            step(f'unpacking {name}', ['dpkg-deb', '-x', package, scratch], log)
        else:
            scratch.rename(qemu.own())
            shutil.rmtree(state)
            return
    raise Failure(f'no QEMU could be fetched from {SUITE} of a Debian mirror (see {log}): '
                  f'try again when the network is back')


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with lock('qemu.lock'):
        if not qemu.own().exists():
            (cache() / 'tools').mkdir(exist_ok=True)
            fetch()


if __name__ == '__main__':
    command.run(main)
