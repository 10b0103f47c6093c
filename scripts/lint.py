#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs every checker on the project's own files, and ends with a table.

In upstream's files, only the lines that the series adds are checked.
"""

import argparse
import time
from collections.abc import Callable
from functools import cache as once
from functools import partial

from lib import checkpatch, command, results, tree
from lib.errors import Failure
from lib.lint import files, kernel
from lib.lint.ours import Ours
from lib.lock import lock
from lib.patches import read_patches
from lib.paths import LOG
from lib.progress import clock
from lib.results import Case, Result
from lib.versions import unlisted

Check = Callable[[], list[str]]


@once
def ours() -> Ours:
    return Ours(tree.prepare(), tree.prepared().original)


def of_kernel(check: Callable[[Ours], list[str]]) -> list[str]:
    with lock():
        return check(ours())


def series() -> list[str]:
    """Checkpatch on each patch, and files that no patch brings."""
    patches, own = read_patches(), tree.overlay()
    with lock():
        tree.prepare()
        said = checkpatch.of_series(patches, own, tree.prepared())
    return [f'{name}: no patch brings it' for name in unlisted(patches, own)] + \
        [f'{patch}: {complaint}' for patch, found in said.items() for complaint in found]


CHECKS: dict[str, Check] = {
    'licence': files.licence,
    'ruff': files.ruff,
    'mypy': files.mypy,
    'shellcheck': files.shellcheck,
    'programs': files.programs,
    'rustfmt': partial(of_kernel, kernel.rustfmt),
    'checkpatch': series,
    'clippy': partial(of_kernel, kernel.clippy),
    'rustdoc': partial(of_kernel, kernel.rustdoc),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=checkpatch.explain())
    parser.add_argument('check', nargs='*', metavar='CHECK', default=list(CHECKS),
                        help=f'which of them (default: all): {", ".join(CHECKS)}')
    chosen: list[str] = parser.parse_args().check
    for name in set(chosen) - CHECKS.keys():
        parser.error(f'there is no check {name}')

    rows = []
    result = Result('lint')
    for name in chosen:
        start = time.monotonic()
        complaints = CHECKS[name]()
        for line in complaints:
            print(f'{name}: {line}', flush=True)
        result.cases.append(Case(name, 'failed', f'{len(complaints)} complaints, the first of '
                                 f'which is {complaints[0]}') if complaints else Case(name))
        rows.append(f'{name:12}{len(complaints) or "clean":>7}{clock(time.monotonic() - start):>8}')
    print('', *rows, sep='\n')
    if chosen == list(CHECKS):
        results.write(result)
    if result.failed:
        raise Failure('lint has complaints, see above; whole outputs are in '
                      f'{LOG}/lint-*.log and {LOG}/{{ccswap,struct_ops}}-*.log')


if __name__ == '__main__':
    command.run(main)
