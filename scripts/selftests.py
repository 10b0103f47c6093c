#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs BPF selftests in the guest: upstream's and the project's own.

Tests that need Rust code skip themselves on a kernel without it. On the C kernel
they are run all the same; how they fail there is listed in
scripts/differences-c.txt. A skip that is not expected is a failure, since the
kernels are configured so that every test can run.
"""

import argparse
import fnmatch
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from lib import command, results, vm
from lib.errors import Failure
from lib.kernel import Kernel, add_impl
from lib.lock import lock
from lib.paths import LOG
from lib.progress import watched
from lib.results import Case, Result
from lib.selftests.build import build
from lib.selftests.outcomes import (
    DIFFERENCES,
    Outcome,
    allow_skips,
    differences,
    expect,
    parse,
)
from lib.selftests.sources import BPF, OWN, find, read

WATCHDOG = 300   # seconds that one test may take under emulation
TIMEOUT = 1800   # and all of them
FORCE = 'BPF_STRUCT_OPS_LINK_FORCE=1'    # no test is to skip itself


def run(kernel: Kernel, out: Path, names: list[str], deny: Iterable[str],
        log: Path) -> list[Outcome]:
    """Runs tests in the guest; each comes out with at least one outcome."""
    argv = ['./test_progs', '--no-error-summary', '-w', str(WATCHDOG), '-a', ','.join(names),
            '-d', ','.join(['none', *deny])]
    if kernel.impl == 'c':
        argv = ['env', FORCE, *argv]
    # A 1 says that tests failed: which ones is in the output.
    script = (f'cd {shlex.quote(str(out))} && {shlex.join(argv)}\n'
              'status=$?; [ $status -le 1 ] || exit $status')
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b'')
    with watched(f'running selftests on the {kernel.impl} kernel',
                 lambda: len(re.findall(rb'^#\d+ ', log.read_bytes(), re.M)), len(names)):
        status = vm.run(kernel.impl, script, timeout=TIMEOUT, out=log, build=False)
    outcomes = parse(log.read_text(encoding='utf-8', errors='replace'))
    if status:
        outcomes.append(Outcome('guest', f'ended with status {status}'))
    ran = {outcome.test for outcome in outcomes}
    return outcomes + [Outcome(name, 'did not finish')
                       for name in names if name not in ran]


def report(outcomes: list[Outcome]) -> None:
    """Prints a line for each test, and one for each subtest that says more than OK."""
    for test in dict.fromkeys(outcome.test for outcome in outcomes):
        group = [outcome for outcome in outcomes if outcome.test == test]
        passed = sum(outcome.verdict == 'OK' for outcome in group)
        word = 'ok' if all(outcome.good for outcome in group) else 'FAILED'
        print(f'  {word:6} {test} {passed}/{len(group)}')
        for outcome in group:
            if outcome.expected:
                print(f'           {outcome.case}')
            elif not outcome.good:
                print(f'           {outcome.name}: {outcome.verdict}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_impl(parser)
    parser.add_argument('--only', metavar='PATTERN', default='*',
                        help="only tests with such a name, for instance '*_tcp_ca'")
    parser.add_argument('--no-own', action='store_true', help="only upstream's tests")
    parser.add_argument('--list', action='store_true', help='list the tests and run none')
    args = parser.parse_args()

    kernel = Kernel(args.impl)
    with lock():
        kernel.ensure()
        parts = {'upstream': find(kernel.src / BPF, own=False)}
        if not args.no_own:
            parts['own'] = find(OWN, own=True)
        chosen = {part: fnmatch.filter(tests.names, args.only) for part, tests in parts.items()}
        if args.list:
            for part, names in chosen.items():
                print(*(f'{part}  {name}' for name in names), sep='\n')
            return
        names = [name for part in chosen.values() for name in part]
        if not names:
            raise Failure(f'no test is called {args.only}: --list names them all')
        out = build(kernel, parts.values())

    known = differences(read(DIFFERENCES)) if args.impl == 'c' else []
    known = [difference for difference in known if difference.test in names]
    not_run = [difference for difference in known if difference.what == 'not-run']
    log = LOG / f'selftests-{args.impl}.log'
    outcomes = run(kernel, out, names, [difference.name for difference in not_run], log)
    expect(outcomes, {difference.name: difference.reason for difference in known
                      if difference.what == 'fails'})
    if args.impl in ('links', 'tcp'):
        allow_skips(outcomes, 'needs the part that is in C to be in Rust')

    bad = False
    for part, names in chosen.items():
        if not names:
            continue
        # A fault of the guest's is a failure of each part.
        found = [outcome for outcome in outcomes if outcome.test in (*names, 'guest')]
        report(found)
        result = Result(f'selftests-{part}-{args.impl}', [outcome.case for outcome in found],
                        {args.impl: kernel.key})
        result.cases += [Case(difference.name, 'skipped', f'not run: {difference.reason}')
                         for difference in not_run if difference.test in names]
        print(f'{part} selftests on the {args.impl} kernel: {result}')
        bad |= bool(result.failed)
        if args.only == '*':
            results.write(result)
    for difference in not_run:
        print(f'  not run {difference.name}: {difference.reason}')
    if bad:
        raise Failure(f'not all of the selftests passed; their whole output is in {log}')


if __name__ == '__main__':
    command.run(main)
