#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the KUnit suites and doctests of the debug kernel or the small one, through kunit.py."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lib import command, qemu, results, splat
from lib.arch import add_arch, named
from lib.errors import Failure
from lib.kernel import SMALL, Kernel
from lib.lock import lock
from lib.paths import BUILD, LOG, TOP
from lib.progress import note
from lib.results import Case, Result, Verdict

JSON = BUILD / 'kunit.json'

VERDICTS: dict[str, Verdict] = {'PASS': 'passed', 'SKIP': 'skipped'}


def cases(group: dict[str, Any], prefix: str = '') -> Iterator[Case]:
    """Each test of kunit.py's report, those in sub-groups too."""
    for case in group['test_cases']:
        status = case['status']
        yield Case(prefix + case['name'], VERDICTS.get(status, 'failed'),
                   '' if status == 'PASS' else status)
    for inner in group['sub_groups']:
        yield from cases(inner, f'{prefix}{inner["name"]}.')


def run(kernel: Kernel, names: str, timeout: int, log: Path) -> tuple[int, str]:
    """Runs kunit.py; returns its exit status and the kernel's log."""
    JSON.unlink(missing_ok=True)
    raw = kernel.obj / 'test.log'
    raw.unlink(missing_ok=True)
    env = kernel.env
    machine = qemu.MACHINES[kernel.arch]
    env['PATH'] = qemu.path(env['PATH'], kernel.arch)
    if qemu.accelerator(kernel.arch) == 'tcg':
        env['PATH'] = f'{TOP / "scripts/lib/no-kvm"}:{env["PATH"]}'
    argv = [sys.executable, str(kernel.src / 'tools/testing/kunit/kunit.py'), 'exec', names,
            f'--arch={machine.kunit}', f'--build_dir={kernel.obj}', f'--timeout={timeout}',
            f'--json={JSON}', f'--qemu_args=-smp 2 -cpu {machine.processor}',
            *(f'--kernel_args={arg}' for arg in ('kunit.autorun=1', *machine.kernel_args))]
    with open(log, 'w', encoding='utf-8') as out:
        status = subprocess.run([arg for arg in argv if arg], cwd=kernel.src, env=env,
                                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                check=False).returncode
    return status, raw.read_text(encoding='utf-8', errors='replace') if raw.exists() else ''


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--impl', choices=('debug', SMALL), default='debug',
                        help='the kernel (default: debug)')
    add_arch(parser, qemu.MACHINES)
    parser.add_argument('--filter', default='', metavar='GLOB',
                        help="only suites and tests with such names, for instance 'tcp*'")
    parser.add_argument('--timeout', type=int, default=900, metavar='SECONDS',
                        help='stop the guest after so long (default: 900)')
    args = parser.parse_args()

    kernel = Kernel(args.impl, args.arch)
    kernel.ensure()
    BUILD.mkdir(exist_ok=True)
    name = named('kunit' if args.impl == 'debug' else f'kunit-{args.impl}', args.arch)
    log, kernel_log = LOG / f'{name}.log', LOG / f'{name}-kernel.log'
    note('running the KUnit tests ...')
    with lock():    # kunit.py's own log stands in the build folder
        status, text = run(kernel, args.filter, args.timeout, log)
    kernel_log.write_text(text, encoding='utf-8')
    if not JSON.exists():
        raise Failure(f'kunit.py reported nothing; see {log} and {kernel_log}')

    result = Result(name, list(cases(json.loads(JSON.read_text(encoding='utf-8')))))
    report = splat.scan(text)
    if report:
        print(*report, sep='\n')
        result.cases.append(Case('kernel', 'failed', report[0]))
    if not result.passed:
        result.cases.append(Case('kunit.py', 'failed', 'no test ran'))
    if status and not result.failed:
        result.cases.append(Case('kunit.py', 'failed', f'ended with status {status}'))
    result.show()
    results.write(result)
    if result.failed:
        note(f'what kunit.py said is in {log}, the kernel\'s log in {kernel_log}')
    return bool(result.failed)


if __name__ == '__main__':
    command.run(main)
