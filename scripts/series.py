#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the series as git format-patch does, to build/series/NAME, or applies them to a folder.

Each series stands on those before it. Their patches apply to a Linux 7.3 tree with git am.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib import history, source, tree
from lib.content import Content, Originals, check_overlay
from lib.patches import Patch, apply, read_patches, take_originals
from lib.paths import BUILD
from lib.steps import fail, note
from lib.upstream import Upstream
from lib.versions import steps, unlisted

OUT = BUILD / 'series'


def export(patches: Sequence[Patch], own: Mapping[str, Content], originals: Originals,
           out: Path) -> list[Path]:
    """Writes the patches of each series to a folder of out."""
    made: list[Path] = []
    with tempfile.TemporaryDirectory(prefix='series.') as folder:
        repository = Path(folder)
        history.make(repository, patches, own, originals)
        before = 'upstream'
        for name in dict.fromkeys(patch.series for patch in patches):
            shutil.rmtree(out / name, ignore_errors=True)
            history.git(repository, 'format-patch', '-q', '--zero-commit', '--no-signature',
                        '-o', out / name, f'{before}..{name}')
            made += sorted((out / name).glob('*.patch'))
            before = name
    return made


def apply_to(folder: Path, patches: Sequence[Patch], own: Mapping[str, Content],
             originals: Originals, upto: str) -> int:
    """Applies the patches up to one of them to the files of a folder, and says how many."""
    places = [place for place, patch in enumerate(patches, 1) if upto in ('', patch.id)]
    if not places:
        fail(f'there is no patch {upto}: there are {", ".join(patch.id for patch in patches)}')
    wanted = patches[:places[-1]]
    take_originals(wanted, originals, folder, own)
    for patch, brought in zip(wanted, steps(patches, own), strict=False):
        apply(patch, folder, own)
        for name, content in brought.items():
            content.put(folder / name)
    return len(wanted)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--apply-to', type=Path, metavar='FOLDER',
                        help='apply the patches to the pristine files of a folder; '
                        'files that it lacks are taken from the kernel source')
    parser.add_argument('--upto', default='', metavar='PATCH',
                        help='with --apply-to: the last patch, like links/0002')
    asked = parser.parse_args()

    patches, own = read_patches(), tree.overlay()
    if not patches:
        fail('patches/series lists no series with patches')
    for name in unlisted(patches, own):
        note(f'not in the series: {name} (no patch names it under "Overlay:")')
    # Not from the prepared tree, which another run may be changing, or building for long.
    upstream = Upstream(source.find(), [*own, *(name for patch in patches for name in patch.files)])
    check_overlay(own, upstream)
    if asked.apply_to:
        asked.apply_to.mkdir(parents=True, exist_ok=True)
        count = apply_to(asked.apply_to, patches, own, upstream, asked.upto)
        note(f'{count} patches applied to {asked.apply_to}')
        return 0
    made = export(patches, own, upstream, OUT)
    note(f'{len(made)} patches in {OUT}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
