#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs upstream's own tests on both kernels and compares result by result.

The kernels, and bpftool and the modules for each, are brought up to date first, and
the programs of a suite when it is run. A difference fails. What does not pass on
either kernel fails, too, unless scripts/fails-on-both.txt gives the reason. What fails
is run again, and what passes then has passed, unless more tries fail on the Rust
kernel than on the C kernel, and do so in three rounds. The tables are in
build/suites/report.md, with the keys of the kernels.
"""

import argparse
import shlex
from collections.abc import Collection
from pathlib import Path

from lib import command, results, vm
from lib.errors import Failure
from lib.kernel import RIVALS, Kernel, keys
from lib.lock import lock
from lib.paths import BUILD, LOG
from lib.progress import watched
from lib.results import Result
from lib.selftests.build import ensure
from lib.selftests.sources import read
from lib.suites import binfmt_misc_bpf, bpf, bpftool, hid, mptcp, sched_ext
from lib.suites.comparison import GUEST, KNOWN, Known, Row, cases, compare, read_known, table
from lib.suites.rounds import compare_in_rounds
from lib.suites.suite import Suite
from lib.suites.tries import Tries

REPORT = BUILD / 'suites/report.md'
SUITES: dict[str, Suite] = {    # the quick ones first
    'binfmt_misc_bpf': binfmt_misc_bpf.SUITE,
    'bpftool': bpftool.SUITE,
    'hid': hid.SUITE,
    'sched_ext': sched_ext.SUITE,
    'mptcp': mptcp.SUITE,
    'bpf': bpf.SUITE,
}


def run(name: str, impl: str, out: Path, only: Collection[str], number: int) -> dict[str, Tries]:
    """Runs a suite, or programs of it, on a kernel; returns the verdict on each test."""
    suite = SUITES[name]
    log = LOG / f'suite-{name}-{impl}{"" if number == 1 else f"-{number}"}.log'
    LOG.mkdir(parents=True, exist_ok=True)
    # One stream, so that a line of one does not end up in a line of the other.
    script = f'exec 2>&1\ncd {shlex.quote(str(out))} || exit\n{suite.script(Kernel(impl), only)}'
    with watched(f'running the suite {name} on the {impl} kernel'):
        status = vm.run(impl, script, memory=suite.memory, timeout=suite.timeout, out=log,
                        build=False)
    found = suite.parse(log.read_text(encoding='utf-8', errors='replace'))
    if not found:
        raise Failure(f'the suite {name} has no results: see {log}')
    return found | ({GUEST: Tries.once(f'ended with status {status}')} if status else {})


def both(name: str, known: list[Known]) -> tuple[Result, str]:
    """Runs a suite on both kernels; returns its cases and its table."""
    with lock():
        out = SUITES[name].build(Kernel('c'))
    kernels = keys(RIVALS)

    def compared(only: Collection[str], number: int) -> list[Row]:
        c, rust = (run(name, impl, out, only, number) for impl in RIVALS)
        return compare(c, rust)

    rows, worse = compare_in_rounds(compared)
    judged = cases(rows, [entry for entry in known if entry.suite == name], worse)
    return Result(f'suite-{name}', judged, kernels), table(name, rows, kernels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('suite', choices=[*SUITES, 'all'])
    parser.add_argument('--last', action='store_true',
                        help='boot the last images that were built, whatever the sources say')
    args = parser.parse_args()
    known = read_known(read(KNOWN))
    for entry in known:
        if entry.suite not in SUITES:
            raise Failure(f'{KNOWN} names {entry.suite}, and there is no such suite')
    if not args.last:
        for impl in RIVALS:
            ensure(Kernel(impl))
    failed, tables = False, []
    for name in SUITES if args.suite == 'all' else [args.suite]:
        result, text = both(name, known)
        result.show()
        results.write(result)
        tables.append(text)
        failed |= bool(result.failed)
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text('\n'.join(tables), encoding='utf-8')
    if failed:
        raise Failure(f'not all is equal, or passes: {REPORT} has each result')


if __name__ == '__main__':
    command.run(main)
