#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the tests of the programs in tools/testing/struct_ops that need no kernel.

Among them is the model: the registry of congestion controls, explored with loom. Every
order of the threads' steps is tried, and every value that a load may return on a
weakly ordered machine. What has to hold then, and what is broken on purpose to see it
fail, is in tools/testing/struct_ops/model/README.md. How many runs each scenario took
is printed, and kept in build/model.txt.
"""

import argparse
import re

from lib import command
from lib.cargo import PROGRAMS
from lib.paths import BUILD

REPORT = BUILD / 'model.txt'


def runs(output: str) -> str:
    """A line for each scenario of the kernel's own files, with the number of its runs."""
    found = dict(re.findall(r'^---- (\w+) stdout ----\n\w+: (\d+) runs$', output, re.M))
    return ''.join(f'{name:30}{int(count):>10,} runs\n' for name, count in sorted(found.items()))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--package', default='', metavar='NAME', help='only this one')
    result = PROGRAMS.test(parser.parse_args().package)
    report = runs(PROGRAMS.log('test').read_text(encoding='utf-8'))
    REPORT.write_text(report, encoding='utf-8')
    print(report, end='')
    return bool(result.failed)


if __name__ == '__main__':
    command.run(main)
