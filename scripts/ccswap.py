#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds the workspace tools/bpf/ccswap, tests it, and runs its demo in the guest."""

import argparse
import shlex
import shutil
from pathlib import Path

from lib import command, results, vm
from lib.cargo import Workspace
from lib.kernel import add_impl, symbols
from lib.paths import BUILD, LOG, TOP, cache
from lib.process import step
from lib.results import Case, Result

OBJECTS = cache() / 'ccswap/objects'
WORKSPACE = Workspace('ccswap', TOP / 'tools/bpf/ccswap', {'CCSWAP_OBJ_DIR': str(OBJECTS)})
BINARY = WORKSPACE.target / 'release/ccswap'
DEMO = WORKSPACE.target / 'release/ccswap-demo'
REGISTER = WORKSPACE.target / 'release/ccswap-test-register'
ASSETS = WORKSPACE.target / 'release/assets'
INSTALLED = cache() / 'ccswap/installed'
PATIENCE = 300   # seconds that a boot may take on a busy machine
GUEST = 1500     # seconds that the tests may take there


def test() -> int:
    """Runs the tests that need no kernel."""
    WORKSPACE.build()
    return bool(WORKSPACE.test().failed)


def promised(impl: str) -> list[str]:
    """The option that makes ccswap require the guarantee, which TCP's registry in Rust gives."""
    _, registry = symbols(impl)
    return ['--guarantee'] if registry == 'y' else []


def traced(impl: str) -> list[str]:
    """The option that makes the tests require the tracepoints, which links in Rust have."""
    links, _ = symbols(impl)
    return ['--tracepoints'] if links == 'y' else []


def install() -> None:
    """Installs what was built to INSTALLED, as a packager does."""
    for folder in (ASSETS, INSTALLED):
        shutil.rmtree(folder, ignore_errors=True)
    step('installing ccswap to a folder',
         ['make', '-C', WORKSPACE.source, 'install', f'DESTDIR={INSTALLED}', 'PREFIX=/usr',
          f'CARGO_TARGET_DIR={WORKSPACE.target}', 'CARGO=true'], LOG / 'ccswap-install.log')


def copied(tests: str, *argv: str) -> str:
    """The command that runs a script of the tests, whose programs are copies: an ordinary user
    of the guest may not look into root's cache."""
    copies = '/run/ccswap'
    copy = shlex.join(['cp', '-r', *map(str, (BINARY, DEMO, REGISTER, OBJECTS)), copies])
    run = shlex.join([str(WORKSPACE.source / 'tests' / tests), f'{copies}/{BINARY.name}',
                      '--objects', f'{copies}/{OBJECTS.name}', *argv])
    return f'mkdir {copies} && {copy} && {run}'


def guest(impl: str, last: bool) -> int:
    """Runs the tests of the commands themselves on a kernel; they write their own result."""
    WORKSPACE.build_with_kernel(impl, last)
    install()
    result = results.path(f'ccswap-guest-{impl}')
    result.parent.mkdir(parents=True, exist_ok=True)
    tests = copied('guest.py', '--installed', str(INSTALLED / 'usr'), '--junit', str(result),
                   *promised(impl), *traced(impl))
    return vm.run(impl, tests, timeout=GUEST, build=False)


def demo(impl: str, seconds: int, out: Path, last: bool) -> int:
    """Shows many swaps, and a roll-out, each of which is a case."""
    WORKSPACE.build_with_kernel(impl, last)
    out.mkdir(parents=True, exist_ok=True)
    swaps = shlex.join([str(DEMO), '--seconds', str(seconds), '--out', str(out), *promised(impl)])
    cases = {}
    for name, cmd in (('swaps', swaps), ('roll-out', copied('rollout_demo.py'))):
        cases[name] = vm.run(impl, cmd, timeout=seconds + PATIENCE, build=False)
    results.write(Result(f'demo-{impl}', [
        Case.judged(name, [f'ended with status {status}'] if status else [])
        for name, status in cases.items()]))
    return max(cases.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    commands.add_parser('build', help='build the programs and the objects for their tests')
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
            WORKSPACE.build()
            return 0
        case 'test':
            return test()
        case 'guest':
            return guest(args.impl, args.last)
        case _:
            return demo(args.impl, args.seconds, BUILD / 'demo', args.last)


if __name__ == '__main__':
    command.run(main)
