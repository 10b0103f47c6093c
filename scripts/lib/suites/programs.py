# SPDX-License-Identifier: GPL-2.0-only
"""Builds the programs of a suite from upstream's folder, which stays as it is."""

import hashlib
import os
import shlex
import subprocess
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from lib import tree
from lib.errors import Failure
from lib.kernel import Kernel
from lib.paths import LOG, cache
from lib.process import step
from lib.selftests.sources import read

SELFTESTS = Path('tools/testing/selftests')
TRIES = 3


def folder(name: str) -> Path:
    return cache() / 'suites' / name


def tools() -> Path:
    """The bpftool and the libbpf that make selftests has built."""
    path = cache() / 'selftests/c/out/tools'
    if not (path / 'sbin/bpftool').exists():
        raise Failure('bpftool was not built yet: run make selftests IMPL=c')
    return path


def once(name: str, title: str, kernel: Kernel, argv: Sequence[str | Path],
         inputs: bytes = b'') -> Path:
    """Runs argv for its folder, unless it did that for this source and these inputs."""
    out = folder(name)
    stamp = out / 'stamp'
    words = '\0'.join([tree.prepared().state()[0], *map(str, argv)])
    key = hashlib.sha256(words.encode() + inputs).hexdigest()
    if not stamp.exists() or read(stamp) != key:
        out.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        step(title, argv, LOG / f'suite-{name}-build.log', env=kernel.env)
        stamp.write_text(key, encoding='utf-8')
    return out


def btf(kernel: Kernel) -> Path:
    """The types of the kernel, in a file that is as old as they are.

    Every BPF program is built again when it changes, and a kernel that is built again
    mostly has the same types.
    """
    path, vmlinux = folder('vmlinux.btf'), kernel.obj / 'vmlinux'
    new = path.with_suffix('.new')
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(['llvm-objcopy', '--dump-section', f'.BTF={new}', vmlinux, '/dev/null'],
                   env=kernel.env, check=True)
    if path.exists() and path.read_bytes() == new.read_bytes():
        new.unlink()
    else:
        times = vmlinux.stat()
        os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns))
        new.replace(path)
    return path


def headers(kernel: Kernel) -> Path:
    """The kernel's headers for programs."""
    out = folder('headers')
    once('headers', 'installing the headers for the suites', kernel,
         ['make', '-C', kernel.src, f'O={out}', 'ARCH=x86', 'LLVM=1', 'headers'])
    return out / 'usr/include'


def build(name: str, kernel: Kernel, source: str, targets: Iterable[str] = ('all',),
          variables: Iterable[str] = ()) -> Path:
    """Makes targets of a folder of upstream's selftests, {out} in one is the suite's folder."""
    out, types = folder(name), btf(kernel)
    return once(name, f'building the suite {name}', kernel, [
        'make', '-C', kernel.src / SELFTESTS / source, f'-j{os.cpu_count()}', 'LLVM=1',
        f'OUTPUT={out}', f'KHDR_INCLUDES=-isystem {headers(kernel)}',
        f'VMLINUX_BTF={types}', f'BPFTOOL={tools() / "sbin/bpftool"}',
        *variables, *(target.format(out=out) for target in targets)], types.read_bytes())


def each(programs: Iterable[str], only: Collection[str], limit: int, where: str = '.') -> str:
    """A script that runs programs and says how each ended, for ktap.verdicts().

    Programs that are not among only are left out, if it names any. One that fails is run
    again, since a guest under emulation may be late: in a test that waits a second for
    something, or before a device has its file.
    """
    return '\n'.join([
        'run() {', f'\tfor try in $(seq {TRIES}); do',
        '\t\techo; echo "== $1"',
        f'\t\ttimeout -k 5 {limit} {where}/"$1"; status=$?',
        '\t\techo; echo "== status $status"',
        '\t\tcase $status in 0 | 4) break ;; esac', '\tdone', '}',
        *(f'run {shlex.quote(program)}' for program in programs if not only or program in only)])
