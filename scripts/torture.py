#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Uses struct_ops links in every way at once, under traffic, and checks that nothing is lost.

The program is tools/testing/struct_ops/torture, run in the guest. It prints its
seed; the same seed makes each actor choose the same again. Its report is
build/torture/IMPL.json, with the key of the kernel.
"""

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

from lib import command, results, vm
from lib.cargo import PROGRAMS
from lib.kernel import Kernel, add_impl, keys
from lib.paths import BUILD
from lib.results import Case, Result

BINARY = PROGRAMS.target / 'release/torture'
PATIENCE = 600   # seconds for the boot, for what is freed late and for a scan of kmemleak


def judged(case: dict[str, Any]) -> Case:
    """A case of the report: the kernel may lack the means to look at something."""
    if case['skipped'] is not None:
        return Case(case['name'], 'skipped', case['skipped'])
    return Case.judged(case['name'], case['complaints'])


def judge(impl: str, key: str, status: int, report: Path) -> Result:
    """One case for each thing that must hold, by the report; and the kernel's own verdict.

    The kernel's key is added to the report.
    """
    result = Result(f'torture-{impl}', kernels={impl: key})
    if report.exists():
        found = {'kernel': key} | json.loads(report.read_text(encoding='utf-8'))
        report.write_text(json.dumps(found, indent=2) + '\n', encoding='utf-8')
        result.cases += map(judged, found['cases'])
    else:
        result.cases.append(Case('report', 'failed', 'it left none'))
    # Its own status is 1 when something else failed, so what is left is the kernel's.
    explained = status == 1 and result.failed
    result.cases.append(Case.judged('the kernel reported no fault', [
        f'the guest ended with status {status}'] if status and not explained else []))
    return result


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_impl(parser)
    parser.add_argument('--minutes', type=float, default=1, help='how long (default: 1)')
    parser.add_argument('--seed', type=int, help='of the random streams (default: a new one)')
    parser.add_argument('--last', action='store_true',
                        help='boot the last image that was built, whatever the sources say')
    args = parser.parse_args()
    PROGRAMS.build_with_kernel(args.impl, args.last)
    report = BUILD / 'torture' / f'{args.impl}.json'
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    seconds = max(1, round(args.minutes * 60))
    seed = ['--seed', str(args.seed)] if args.seed is not None else []
    module = Kernel(args.impl).obj / 'net/ipv4/tcp_lp.ko'
    key = keys([args.impl])[args.impl]
    status = vm.run(args.impl, shlex.join([str(BINARY), '--seconds', str(seconds),
                                           '--module', str(module), '--json', str(report), *seed]),
                    timeout=seconds + PATIENCE, build=False)
    result = judge(args.impl, key, status, report)
    result.show()
    results.write(result)
    return status


if __name__ == '__main__':
    command.run(main)
