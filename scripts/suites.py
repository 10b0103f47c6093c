#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs upstream's own tests on both kernels and compares result by result.

The kernels and the programs are the last that make selftests built for each.
A difference fails. What does not pass on either kernel fails, too, unless
scripts/fails-on-both.txt gives the reason. The tables are in
build/suites/report.md.
"""

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path

import selftests
from lib import command, results, vm
from lib.errors import Failure
from lib.kernel import Kernel
from lib.paths import LOG, TOP, cache
from lib.results import Result
from lib.selftests.comparison import KNOWN, compare, reasons, steps, table
from lib.selftests.sources import BPF, find, read

REPORT = TOP / 'build/suites/report.md'
TIMEOUT = 300    # seconds of the guest, for a script of bpftool's commands
PINS = '/sys/fs/bpf/suites'
BPFTOOL = {      # what each step does
    'register': f'struct_ops register tcp_ca_update.bpf.o {PINS}',
    'show': 'struct_ops show',
    'show-one': 'struct_ops show name ca_update_1',
    'dump': 'struct_ops dump name ca_update_1',
    'links': 'link show',
    'pinned-link': f'link show pinned {PINS}/ca_update_1',
    'detach': f'link detach pinned {PINS}/ca_update_1',
    'detach-again': f'link detach pinned {PINS}/ca_update_1',
    'links-after-detach': 'link show',
    'register-without-link': 'struct_ops register bpf_dctcp.bpf.o',
    'unregister': 'struct_ops unregister name dctcp',
    'unregister-again': 'struct_ops unregister name dctcp',
    'unregister-unknown': 'struct_ops unregister name no_such_table',
}


def bpf(kernel: Kernel, out: Path, log: Path) -> dict[str, str]:
    """Upstream's tests of struct_ops and congestion controls, by test_progs."""
    names = find(kernel.src / BPF, own=False).names
    return {outcome.name: outcome.verdict
            for outcome in selftests.run(kernel, out, names, [], log)}


def bpftool(kernel: Kernel, out: Path, log: Path) -> dict[str, str]:
    """bpftool's commands for struct_ops and links: what they print, and if that worked."""
    lines = [f'cd {shlex.quote(str(out))}',
             'mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf', f'mkdir {PINS}']
    for name, argv in BPFTOOL.items():
        lines += [f'echo "== bpftool/{name}"',
                  f'if tools/sbin/bpftool {argv} 2>&1; then echo OK; else echo "status $?"; fi']
    status = vm.run(kernel.impl, '\n'.join(lines), timeout=TIMEOUT, out=log, build=False)
    found = steps(log.read_text(encoding='utf-8', errors='replace'))
    return found | ({'guest': f'ended with status {status}'} if status else {})


SUITES: dict[str, Callable[[Kernel, Path, Path], dict[str, str]]] = {'bpf': bpf,
                                                                      'bpftool': bpftool}


def run(suite: str, known: dict[str, str]) -> tuple[Result, str]:
    """Runs a suite on both kernels; returns its cases and its table."""
    found = {}
    for impl in ('c', 'rust'):
        kernel = Kernel(impl)
        out = cache() / 'selftests' / impl / 'out'
        if not (out / 'test_progs').exists():
            raise Failure(f'the selftests were not built: run make selftests IMPL={impl}')
        LOG.mkdir(parents=True, exist_ok=True)
        found[impl] = SUITES[suite](kernel, out, LOG / f'suite-{suite}-{impl}.log')
    rows = compare(found['c'], found['rust'])
    if not rows:
        raise Failure(f'{suite} has no results: see build/log/suite-{suite}-*.log')
    return Result(f'suite-{suite}', [row.case(known) for row in rows]), table(suite, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('suite', choices=[*SUITES, 'all'])
    args = parser.parse_args()
    known = reasons(read(KNOWN))
    failed, tables = False, []
    for suite in SUITES if args.suite == 'all' else [args.suite]:
        result, text = run(suite, known)
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
