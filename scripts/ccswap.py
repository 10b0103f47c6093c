#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds the command line tools/bpf/ccswap, tests it, and runs its demo in the guest."""

import argparse
import re
import shlex
import sys
from pathlib import Path

from lib import results, toolchain, vm
from lib.paths import BUILD, LOG, TOP, cache
from lib.results import Result
from lib.steps import run_logged, step

SOURCE = TOP / 'tools/bpf/ccswap'
TARGET = cache() / 'ccswap'
OBJECTS = TARGET / 'objects'
BINARY = TARGET / 'release/ccswap'
CHECKERS = 2     # rustfmt and clippy
PATIENCE = 300   # seconds that a boot may take on a busy machine


def cargo(*argv: str) -> list[str]:
    return ['/usr/bin/cargo', *argv]


def environment() -> dict[str, str]:
    return toolchain.environment() | {'CARGO_TARGET_DIR': str(TARGET), 'CARGO_TERM_COLOR': 'never',
                                      'CCSWAP_OBJ_DIR': str(OBJECTS)}


def build() -> None:
    step('building ccswap', cargo('build', '--release', '--locked'), LOG / 'ccswap-build.log',
         environment(), SOURCE, counts=lambda line: line.lstrip().startswith('Compiling '))


def counts(output: str) -> tuple[int, int]:
    """Passed and failed tests, from all that cargo test ran."""
    found = re.findall(r'^test result: .*?(\d+) passed; (\d+) failed;', output, re.M)
    return sum(int(passed) for passed, _ in found), sum(int(failed) for _, failed in found)


def named(output: str, word: str) -> list[str]:
    """The tests of which cargo test says that they FAILED, or are ignored."""
    return re.findall(rf'^test (.+) \.\.\. {word}\b', output, re.M)


def complaints() -> list[str]:
    """What rustfmt and clippy have to say, as the logs that say it."""
    found = []
    for name, argv in (('fmt', ['--check']),
                       ('clippy', ['--release', '--locked', '--all-targets', '--',
                                   '-D', 'warnings'])):
        log = LOG / f'ccswap-{name}.log'
        if run_logged(f'cargo {name} on ccswap', cargo(name, *argv), log, environment(), SOURCE):
            found.append(f'cargo {name}: see {log}')
    return found


def test() -> int:
    """The tests that need no kernel, and the checkers; a checker counts as one test."""
    build()
    log = LOG / 'ccswap-test.log'
    status = run_logged('testing ccswap', cargo('test', '--release', '--locked'), log,
                        environment(), SOURCE)
    output = log.read_text(encoding='utf-8')
    passed, failed = counts(output)
    failures, ignored = named(output, 'FAILED'), named(output, 'ignored')
    if status and not failed or not passed:
        failed += 1
        failures.append(f'cargo test ended with status {status} after {passed} tests: see {log}')
    found = complaints()
    passed, failed, failures = passed + CHECKERS - len(found), failed + len(found), failures + found
    for name in failures:
        print(f'  FAILED {name}')
    for name in ignored:
        print(f'  skipped {name}')
    print(f'ccswap: {passed} passed, {failed} failed, {len(ignored)} skipped')
    results.write(Result('ccswap', passed, failed, ignored, failures))
    return bool(failed)


def lint() -> int:
    found = complaints()
    print(*found, sep='\n', end='\n' if found else '')
    return bool(found)


def promised(impl: str) -> list[str]:
    """What makes ccswap hold a kernel to the guarantee: upstream's C gives none."""
    return ['--guarantee'] if impl == 'rust' else []


def guest(impl: str, last: bool) -> int:
    """The tests of the commands themselves, on a kernel; they write their own result."""
    build()
    result = results.path(f'ccswap-guest-{impl}')
    result.parent.mkdir(parents=True, exist_ok=True)
    # Copies, because an ordinary user of the guest may not look into root's cache.
    copies = '/run/ccswap'
    tests = shlex.join([str(SOURCE / 'tests/guest.py'), f'{copies}/{BINARY.name}',
                        '--objects', f'{copies}/{OBJECTS.name}', '--results', str(result),
                        *promised(impl)])
    copy = shlex.join(['cp', '-r', str(BINARY), str(OBJECTS), copies])
    return vm.run(impl, f'mkdir {copies} && {copy} && {tests}', build=not last)


def demo(impl: str, seconds: int, out: Path, last: bool) -> int:
    build()
    out.mkdir(parents=True, exist_ok=True)
    status = vm.run(impl, shlex.join([str(BINARY), 'demo', '--seconds', str(seconds),
                                      '--out', str(out), *promised(impl)]),
                    timeout=seconds + PATIENCE, build=not last)
    failures = [f'the demo ended with status {status}'] if status else []
    results.write(Result(f'demo-{impl}', 1 - len(failures), len(failures), failures=failures))
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    commands.add_parser('build', help='build the binary and the objects for its tests')
    commands.add_parser('test', help='cargo test, rustfmt and clippy')
    commands.add_parser('lint', help='rustfmt and clippy alone')
    for name, text in (('guest', 'the tests that run in the guest'),
                       ('demo', 'swap a live congestion control in the guest')):
        command = commands.add_parser(name, help=text)
        command.add_argument('--impl', choices=('rust', 'c'), default='rust',
                             help='the kernel (default: rust)')
        command.add_argument('--last', action='store_true',
                             help='boot the last image that was built, whatever the sources say')
        if name == 'demo':
            command.add_argument('--seconds', type=int, default=20,
                                 help='how long (default: 20)')
    args = parser.parse_args()
    match args.command:
        case 'build':
            build()
            return 0
        case 'test':
            return test()
        case 'lint':
            return lint()
        case 'guest':
            return guest(args.impl, args.last)
        case _:
            return demo(args.impl, args.seconds, BUILD / 'demo', args.last)


if __name__ == '__main__':
    sys.exit(main())
