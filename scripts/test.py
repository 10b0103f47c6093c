#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs every test and ends with a table and a line 'N passed, N failed'.

First all is built, then tested: the scripts' unit tests, the checkers of lint,
the guest that the scripts make, ccswap's unit tests, KUnit in the debug kernel, the
BPF selftests on the Rust kernel and on the C one, ccswap in a guest of each, the
programs of tools/testing/struct_ops, ten seconds of torture, 200 sequences of fuzz
and a short demo. Each part leaves JUnit files in build/results; one that leaves
none counts as one failure.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass

from lib import command, results
from lib.paths import TOP
from lib.progress import clock, note
from lib.results import Case, Result

SCRIPTS = TOP / 'scripts'
SHOWN = 10     # skipped tests, at most, that the table names
BUILDS = (('build.py', '--impl', 'rust'), ('build.py', '--impl', 'c'),
          ('build.py', '--impl', 'debug'), ('ccswap.py', 'build'))


@dataclass(frozen=True)
class Part:
    """A command, and the names of the results that it leaves."""
    title: str
    argv: tuple[str, ...]
    results: tuple[str, ...]


PARTS = (
    Part('unit tests of scripts', ('unittests.py',), ('scripts',)),
    Part('lint', ('lint.py',), ('lint',)),
    Part('the guest', ('try_guest.py',), ('guest',)),
    Part('ccswap: cargo test', ('ccswap.py', 'test'), ('ccswap',)),
    Part('KUnit', ('run_kunit.py',), ('kunit',)),
    Part('BPF selftests, Rust', ('selftests.py', '--impl', 'rust'),
         ('selftests-upstream-rust', 'selftests-own-rust')),
    Part('BPF selftests, C', ('selftests.py', '--impl', 'c'),
         ('selftests-upstream-c', 'selftests-own-c')),
    Part('ccswap in the guest, Rust', ('ccswap.py', 'guest', '--impl', 'rust'),
         ('ccswap-guest-rust',)),
    Part('ccswap in the guest, C', ('ccswap.py', 'guest', '--impl', 'c'), ('ccswap-guest-c',)),
    Part('programs: cargo test', ('programs.py',), ('struct_ops',)),
    Part('torture', ('torture.py', '--minutes', '0.17'), ('torture-rust',)),
    Part('fuzz', ('fuzz.py', '--sequences', '200'), ('fuzz',)),
    Part('demo', ('ccswap.py', 'demo', '--seconds', '10'), ('demo-rust',)),
)


def run(argv: tuple[str, ...]) -> int:
    return subprocess.run([sys.executable, SCRIPTS / argv[0], *argv[1:]], check=False).returncode


@dataclass(frozen=True)
class Row:
    """The results of a part."""
    title: str
    found: list[Result]
    again: list[str]    # logs of its boots that did not count
    seconds: float


def collect(part: Part, status: int) -> list[Result]:
    """Reads the results of a part; one that is missing fails, and so does an unexplained status."""
    found = []
    for name in part.results:
        result = results.read(name)
        if result is None:
            result = Result(name, [Case(name, 'failed', 'it left no result')])
        elif not result.passed and not result.failed:
            result.cases.append(Case(name, 'failed', 'no test ran'))
        found.append(result)
    if status and not any(result.failed for result in found):
        found.append(Result(part.argv[0], [
            Case(part.argv[0], 'failed', f'it ended with status {status}')]))
    return found


def table(rows: list[Row]) -> str:
    """One line per result, the time with a part's first, and the names of what did not pass."""
    lines = [f'{"":26}{"result":22}{"passed":>7}{"failed":>7}{"skipped":>8}{"time":>8}']
    for row in rows:
        for number, result in enumerate(row.found):
            lines.append(f'{row.title if not number else "":26}{result.name:22}'
                         f'{len(result.passed):7}{len(result.failed):7}{len(result.skipped):8}'
                         f'{clock(row.seconds) if not number else "":>8}')
            lines += [f'    FAILED {case}' for case in result.failed]
            if len(result.skipped) <= SHOWN:
                lines += [f'    skipped {case}' for case in result.skipped]
            else:
                lines.append(f'    skipped: see {results.path(result.name)}')
        lines += [f'    BOOTED AGAIN, the host was busy, see {log}' for log in row.again]
    return '\n'.join(lines)


def main() -> int:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for part in PARTS:
        for name in part.results:
            results.path(name).unlink(missing_ok=True)
    results.forget_boots_again()

    start = time.monotonic()
    built = True
    for argv in BUILDS:
        if run(argv):
            note(f'error: {" ".join(argv)} failed, see above; nothing is tested on old builds')
            built = False
            break
    rows: list[Row] = []
    building = time.monotonic() - start
    for number, part in enumerate(PARTS, 1):
        began = time.monotonic()
        if built:
            note(f'== {number}/{len(PARTS)} {part.title}')
        status = run(part.argv) if built else 0
        again = results.boots_again()[sum(len(row.again) for row in rows):]
        rows.append(Row(part.title, collect(part, status), again, time.monotonic() - began))

    print()
    print(table(rows))
    print(f'built in {clock(building)}, all in {clock(time.monotonic() - start)}, '
          f'boots made again: {len(results.boots_again())}')
    every = [result for row in rows for result in row.found]
    print(results.last_line(every))
    return int(any(result.failed for result in every))


if __name__ == '__main__':
    command.run(main)
