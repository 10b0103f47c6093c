# SPDX-License-Identifier: GPL-2.0-only
"""Builds upstream's test_progs, unmodified, with only the wanted tests.

It is built from a copy of its folder that holds only the wanted tests and the
programs that they load.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from lib.estimate import Estimate
from lib.kernel import Kernel
from lib.lock import lock
from lib.paths import LOG, cache
from lib.process import step
from lib.selftests.sources import BPF, OWN, Tests, common, find, needed, read

# What a build of the whole folder would make.
NOT_BUILT = ('LSKELS', 'LSKELS_SIGNED', 'LSKELS_EXTRA', 'LINKED_SKELS', 'LIBARENA_SKEL',
             'LIBARENA_ASAN_SKEL')
LINES = 340      # that a build from nothing prints of its steps, roughly


def mirror(source: Path, tree: Path) -> None:
    """Makes a kernel tree of links, in which only the BPF selftests are files."""
    for depth, name in enumerate(BPF.parts):
        folder = Path(*BPF.parts[:depth])
        (tree / folder).mkdir(parents=True, exist_ok=True)
        for path in (source / folder).iterdir():
            link = tree / folder / path.name
            if path.name != name and not link.is_symlink():
                link.symlink_to(path)


def copy(files: dict[Path, Path], target: Path) -> list[Path]:
    """Makes target hold the given files, and returns those that it removes.

    What is the same keeps its time.
    """
    removed = []
    for name, file in files.items():
        path = target / name
        if not path.exists() or path.read_bytes() != file.read_bytes():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, path)
    for folder in ('prog_tests', 'progs'):
        for path in (target / folder).iterdir():
            if path.relative_to(target) not in files:
                path.unlink()    # also tests.h, which is made from the list of tests
                removed.append(path)
    return removed


def forget(removed: Iterable[Path], out: Path) -> None:
    """Deletes the objects that make would refuse to make again: what they depend on is gone."""
    names = {str(path) for path in removed if path.suffix == '.h'}
    for record in out.glob('*.d') if names else ():
        if names & set(record.read_text(encoding='utf-8').split()):
            record.unlink()
            record.with_suffix('.o').unlink(missing_ok=True)


def build(kernel: Kernel, parts: Iterable[Tests]) -> Path:
    """The folder with test_progs and the modules, built when the stamp is stale."""
    upstream = kernel.src / BPF
    files = {path.relative_to(upstream): path for path in common(upstream)}
    for tests in parts:
        files |= {path.relative_to(tests.folder): path for path in needed(tests)}
    digest = hashlib.sha256(kernel.key.encode() + Path(__file__).read_bytes())
    for name, file in files.items():
        digest.update(f'{name}\0'.encode() + file.read_bytes())

    root = cache() / 'selftests' / kernel.impl
    tree, out, stamp = root / 'tree', root / 'out', root / 'stamp'
    if stamp.exists() and read(stamp) == digest.hexdigest():
        return out
    stamp.unlink(missing_ok=True)
    mirror(kernel.src, tree)
    forget(copy(files, tree / BPF), out)
    estimate = None if out.exists() else Estimate('selftests', LINES)
    out.mkdir(exist_ok=True)
    step(f'building the selftests for the {kernel.impl} kernel',
         ['make', '-C', tree / BPF, f'-j{os.cpu_count()}', 'test_progs', 'LLVM=1',
          f'O={kernel.obj}', f'OUTPUT={out}', f'KDIR={kernel.src}',
          f'VMLINUX_BTF={kernel.obj / "vmlinux"}', 'SKIP_DOCS=1', 'SKIP_LLVM=1',
          *(f'{name}=' for name in NOT_BUILT)],
         LOG / f'selftests-{kernel.impl}-build.log', env=kernel.env,
         counts=lambda line: bool(re.match(r'  [A-Z-]{2,} ', line)), estimate=estimate)
    stamp.write_text(digest.hexdigest(), encoding='utf-8')
    return out


def ensure(kernel: Kernel) -> Path:
    """Builds the kernel, and all of the tests for it, unless what is there is current."""
    with lock():
        kernel.ensure()
        return build(kernel, (find(kernel.src / BPF, own=False), find(OWN, own=True)))
