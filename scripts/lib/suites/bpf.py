# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's test_progs with all of its tests.

What Debian's compiler cannot build is left out, by upstream's Makefile with
BPF_STRICT_BUILD=0. Tests of the project's own are no part of it.
"""

import os
import shlex
from pathlib import Path

from lib.errors import Failure
from lib.kernel import Kernel
from lib.paths import cache
from lib.selftests.build import copy, mirror
from lib.selftests.outcomes import parse
from lib.selftests.sources import BPF, OWN
from lib.suites import programs
from lib.suites.suite import Suite

CRASHES = ('LIBARENA_SKEL', 'LIBARENA_ASAN_SKEL')    # clang 19, and the Makefile stops
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


def script(kernel: Kernel) -> str:
    """Runs the tests with the modules that make selftests has built for this kernel."""
    modules = cache() / 'selftests' / kernel.impl / 'out'
    if not list(modules.glob('*.ko')):
        raise Failure(f'the modules were not built: run make selftests IMPL={kernel.impl}')
    # A 1 says that tests failed: which ones is in the output.
    return (f'cp {shlex.quote(str(modules))}/*.ko . || exit\n'
            f'./test_progs --no-error-summary -w {WATCHDOG}\n'
            'status=$?; [ $status -le 1 ] || exit $status')


def verdicts(output: str) -> dict[str, str]:
    return {outcome.name: outcome.verdict for outcome in parse(output)}


SUITE = Suite(build, script, verdicts, timeout=TIMEOUT)
