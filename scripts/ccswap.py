#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds the command line tools/bpf/ccswap, tests it, and runs its demo in the guest."""

import argparse
import re
import shlex
from pathlib import Path

from lib import command, results, toolchain, vm
from lib.kernel import Kernel, add_impl
from lib.paths import BUILD, LOG, TOP, cache
from lib.process import beside, run_logged, step
from lib.results import Case, Result, Verdict

SOURCE = TOP / 'tools/bpf/ccswap'
TARGET = cache() / 'ccswap'
OBJECTS = TARGET / 'objects'
BINARY = TARGET / 'release/ccswap'
PATIENCE = 300   # seconds that a boot may take on a busy machine


def cargo(*argv: str) -> list[str]:
    return ['/usr/bin/cargo', *argv]


def environment() -> dict[str, str]:
    return toolchain.environment() | {'CARGO_TARGET_DIR': str(TARGET), 'CARGO_TERM_COLOR': 'never',
                                      'CCSWAP_OBJ_DIR': str(OBJECTS)}


BUILD_ARGV = cargo('build', '--release', '--locked')
BUILD_LOG = LOG / 'ccswap-build.log'


def build() -> None:
    step('building ccswap', BUILD_ARGV, BUILD_LOG, environment(), SOURCE,
         counts=lambda line: line.lstrip().startswith('Compiling '))


def build_with_kernel(impl: str, last: bool) -> None:
    """Builds ccswap and a kernel at once: each leaves processors idle in parts."""
    if last:
        build()
        return
    with beside('building ccswap', BUILD_ARGV, BUILD_LOG, environment(), SOURCE):
        Kernel(impl).ensure()


VERDICTS: dict[str, Verdict] = {'ok': 'passed', 'FAILED': 'failed', 'ignored': 'skipped'}


def cases(output: str) -> list[Case]:
    """The tests that cargo test ran, or ignored."""
    return [Case(name, VERDICTS[word], reason) for name, word, reason in re.findall(
        r'^test (.+) \.\.\. (ok|FAILED|ignored)(?:, (.+))?$', output, re.M)]


def complaints() -> list[str]:
    """Runs rustfmt and clippy; returns the logs of those that complain."""
    found = []
    for name, argv in (('fmt', ['--check']),
                       ('clippy', ['--release', '--locked', '--all-targets', '--',
                                   '-D', 'warnings'])):
        log = LOG / f'ccswap-{name}.log'
        if run_logged(f'cargo {name} on ccswap', cargo(name, *argv), log, environment(), SOURCE):
            found.append(f'cargo {name} complains: see {log}')
    return found


def test() -> int:
    """Runs the tests that need no kernel."""
    build()
    log = LOG / 'ccswap-test.log'
    status = run_logged('testing ccswap', cargo('test', '--release', '--locked'), log,
                        environment(), SOURCE)
    result = Result('ccswap', cases(log.read_text(encoding='utf-8')))
    if (status and not result.failed) or not result.passed:
        result.cases.append(Case('cargo test', 'failed', f'ended with status {status}: see {log}'))
    result.show()
    results.write(result)
    return bool(result.failed)


def promised(impl: str) -> list[str]:
    """The option that makes ccswap require the guarantee, which TCP's registry in Rust gives."""
    return ['--guarantee'] if impl in ('rust', 'tcp') else []


def guest(impl: str, last: bool) -> int:
    """Runs the tests of the commands themselves on a kernel; they write their own result."""
    build_with_kernel(impl, last)
    result = results.path(f'ccswap-guest-{impl}')
    result.parent.mkdir(parents=True, exist_ok=True)
    # Copies, because an ordinary user of the guest may not look into root's cache.
    copies = '/run/ccswap'
    tests = shlex.join([str(SOURCE / 'tests/guest.py'), f'{copies}/{BINARY.name}',
                        '--objects', f'{copies}/{OBJECTS.name}', '--junit', str(result),
                        *promised(impl)])
    copy = shlex.join(['cp', '-r', str(BINARY), str(OBJECTS), copies])
    return vm.run(impl, f'mkdir {copies} && {copy} && {tests}', build=False)


def demo(impl: str, seconds: int, out: Path, last: bool) -> int:
    build_with_kernel(impl, last)
    out.mkdir(parents=True, exist_ok=True)
    status = vm.run(impl, shlex.join([str(BINARY), 'demo', '--seconds', str(seconds),
                                      '--out', str(out), *promised(impl)]),
                    timeout=seconds + PATIENCE, build=False)
    results.write(Result(f'demo-{impl}', [
        Case('demo', 'failed', f'ended with status {status}') if status else Case('demo')]))
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    commands.add_parser('build', help='build the binary and the objects for its tests')
    commands.add_parser('test', help='cargo test')
    for name, text in (('guest', 'the tests that run in the guest'),
                       ('demo', 'swap a live congestion control in the guest')):
        boot = commands.add_parser(name, help=text)
        add_impl(boot)
        boot.add_argument('--last', action='store_true',
                          help='boot the last image that was built, whatever the sources say')
        if name == 'demo':
            boot.add_argument('--seconds', type=int, default=20,
                              help='how long (default: 20)')
    args = parser.parse_args()
    match args.command:
        case 'build':
            build()
            return 0
        case 'test':
            return test()
        case 'guest':
            return guest(args.impl, args.last)
        case _:
            return demo(args.impl, args.seconds, BUILD / 'demo', args.last)


if __name__ == '__main__':
    command.run(main)
