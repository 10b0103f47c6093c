# SPDX-License-Identifier: GPL-2.0-only
"""Starts a build folder from the objects of another one, to compile less."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from lib.paths import LOG
from lib.process import step

# Parts of a build folder that are not copied: results, not objects.
RESULTS = ('/stamp', '/image', '/doc')
# What the checkers need: the crates, and the tools and headers that a build starts with.
NO_KERNEL = ('rust', 'scripts', 'tools', 'include', 'arch', '.config', 'Makefile', 'source')


def seed(impl: str, old: Path, new: Path, only: Sequence[str] = ()) -> None:
    """Makes the folder new a copy of old, or of some parts of it."""
    scratch = new.with_name(f'{new.name}.new')
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(scratch, ignore_errors=True)
    chosen = [*(f'--include=/{name}' for name in only), '--exclude=/*'] if only else []
    step(f'starting the {impl} build from objects of another',
         ['rsync', '-a', *(f'--exclude={name}' for name in RESULTS), *chosen,
          f'{old}/', f'{scratch}/'], LOG / f'seed-{impl}.log')
    relocate(scratch, old, new)
    scratch.rename(new)


def relocate(folder: Path, old: Path, new: Path) -> None:
    """Makes a copied build folder's records of commands name the new place.

    The records of tools and crates hold its whole path. What seems to have been built
    by another command is built again, and after objtool every object is.
    """
    place = re.compile(re.escape(str(old)) + r'(?=[/\s])')
    for record in folder.rglob('.*.cmd'):
        text = record.read_text(encoding='utf-8')
        moved = place.sub(str(new), text)
        if moved != text:
            record.write_text(moved, encoding='utf-8')
