# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's test_progs with all of its tests.

What Debian's compiler cannot build is left out, by upstream's Makefile with
BPF_STRICT_BUILD=0. Tests of the project's own are no part of it.
"""

import os
import shlex
from collections.abc import Collection
from pathlib import Path

from lib.errors import Failure
from lib.kernel import Kernel
from lib.paths import cache
from lib.selftests.build import copy, mirror
from lib.selftests.outcomes import parse
from lib.selftests.sources import BPF, OWN
from lib.suites import programs
from lib.suites.suite import Suite
from lib.suites.tries import Tries, add, program

CRASHES = ('LIBARENA_SKEL', 'LIBARENA_ASAN_SKEL')    # clang 19, and the Makefile stops
AGAIN = '== again'
WATCHDOG = 300       # seconds that one test may take under emulation
TIMEOUT = 4 * 3600   # and all of them


def sources(kernel: Kernel) -> Path:
    """A kernel tree of links, in which upstream's folder is a copy: its make writes there."""
    tree = programs.folder('bpf-sources')
    upstream = kernel.src / BPF
    own = {path.relative_to(OWN) for path in OWN.rglob('*')}
    files = {path.relative_to(upstream): path for path in sorted(upstream.rglob('*'))
             if path.is_file() and path.relative_to(upstream) not in own}
    mirror(kernel.src, tree)
    copy(files, tree / BPF)
    return tree


def build(kernel: Kernel) -> Path:
    out, types = programs.folder('bpf'), programs.btf(kernel)
    return programs.once('bpf', 'building the suite bpf', kernel, [
        'make', '-C', sources(kernel) / BPF, f'-j{os.cpu_count()}', 'test_progs', 'LLVM=1',
        f'O={kernel.obj}', f'OUTPUT={out}', f'KDIR={kernel.src}',
        f'VMLINUX_BTF={types}', 'SKIP_DOCS=1', 'SKIP_LLVM=1',
        'BPF_STRICT_BUILD=0', *(f'{name}=' for name in CRASHES)],
                         types.read_bytes() + kernel.key.encode())


def script(kernel: Kernel, only: Collection[str]) -> str:
    """Runs the tests with the modules that make selftests builds for this kernel.

    Those that fail are run again: under emulation one may be late.
    """
    modules = cache() / 'selftests' / kernel.impl / 'out'
    if not list(modules.glob('*.ko')):
        raise Failure(f'the modules were not built: run make selftests IMPL={kernel.impl}')
    chosen = f'-a {shlex.quote(",".join(only))}' if only else ''
    # A 1 says that tests failed: which ones is in the output.
    return f'''cp {shlex.quote(str(modules))}/*.ko . || exit
run() {{
	./test_progs --no-error-summary -w {WATCHDOG} "$@" | tee /run/test_progs.log
	status=${{PIPESTATUS[0]}}
	[ $status -le 1 ] || exit $status
}}
run {chosen}
failed=$(sed -nE 's/^#[0-9]+ +(\\w+):FAIL.*/\\1/p' /run/test_progs.log | paste -sd,)
if [ "$failed" ]; then
	echo {AGAIN!r}
	run -a "$failed"
fi'''


def verdicts(output: str) -> dict[str, Tries]:
    """A verdict for each subtest; what passed in one of the runs has passed."""
    found: dict[str, Tries] = {}
    for text in output.split(f'{AGAIN}\n'):
        outcomes = parse(text)
        run = {outcome.name: Tries.once(outcome.verdict) for outcome in outcomes}
        again = {outcome.test for outcome in outcomes}
        # A test that failed outside of its subtests has done so in each of them.
        gone = [name for name, tries in found.items()
                if tries.failed and program(name) in again and name not in run]
        whole = {program(name): found.pop(name) for name in gone}
        found |= {name: whole[program(name)] for name in run
                  if name not in found and program(name) in whole}
        add(found, run)
    return found


SUITE = Suite(build, script, verdicts, timeout=TIMEOUT)
