#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes series as git format-patch does, to build/series/NAME, or applies them to a folder.

Each series stands on those before it. The mails apply with git am. They have a
cover letter, what they are based on, and recipients by the kernel's
get_maintainer.pl.

Where the author is a placeholder in patches/, the one who sends the series takes
its place, and signs off: --from, else the identity that git is set up with. If
there is none, the mails are for reading, and git send-email refuses them.
"""

import argparse
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib import command, history, mail, source, tree
from lib.content import Content, Originals, check_overlay
from lib.errors import Failure
from lib.history import PLACEHOLDER
from lib.mail import Style
from lib.maintainers import FILES, Maintainers
from lib.patches import Patch, read_patches, series_names
from lib.paths import BUILD, TOP
from lib.progress import note
from lib.tree import changes
from lib.upstream import Upstream
from lib.versions import unlisted, walk

OUT = BUILD / 'series'


def identity() -> str:
    """The user's name and mail, as git is set up with them; the placeholder without."""
    said = [subprocess.run(['git', 'config', f'user.{part}'], cwd=TOP, capture_output=True,
                           text=True, check=False).stdout.strip() for part in ('name', 'email')]
    whole = f'{said[0]} <{said[1]}>'
    return whole if Style(whole).fit else PLACEHOLDER


def export(patches: Sequence[Patch], own: Mapping[str, Content], originals: Originals, out: Path,
           names: Sequence[str] = (), style: Style | None = None, base: str = '') -> list[Path]:
    """Writes the mails of each series to a folder of out; checks them with git am."""
    style = style or Style()
    made: list[Path] = []
    with tempfile.TemporaryDirectory(prefix='series.') as folder:
        repository = Path(folder, 'series')
        history.make(repository, patches, own, originals, style.author)
        left_out = unlisted(patches, own)
        listed = {name: content for name, content in own.items() if name not in left_out}
        history.check(repository, changes(patches, listed, originals))
        maintainers = Maintainers(originals, Path(folder, 'linux')) if style.fit else None
        before = 'upstream'
        for name in dict.fromkeys(patch.series for patch in patches):
            if not names or name in names:
                mails = mail.write(repository, name, before, out / name, style, base, maintainers)
                mail.check(repository, name, before, mails)
                made += mails
            before = name
    return made


def apply_to(folder: Path, patches: Sequence[Patch], own: Mapping[str, Content],
             originals: Originals, upto: str) -> int:
    """Applies the patches up to one of them to the files of a folder, and says how many."""
    known = [patch.id for patch in patches]
    if upto and upto not in known:
        raise Failure(f'there is no patch {upto}: there are {", ".join(known)}')
    for count, patch in enumerate(walk(patches, own, originals, folder), 1):
        if patch.id == upto:
            return count
    return len(patches)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = series_names()
    parser.add_argument('series', nargs='*', metavar='SERIES',
                        help=f'which of {", ".join(known)} (default: all)')
    parser.add_argument('--from', dest='author', default='', metavar="'NAME <MAIL>'",
                        help='who sends it')
    parser.add_argument('--version', type=int, default=1, metavar='N',
                        help='which version of the series this is, for [PATCH v2 1/7]')
    parser.add_argument('--prefix', default='', metavar='WORDS',
                        help='RFC for [RFC PATCH 1/7], "PATCH bpf-next" for [PATCH bpf-next 1/7]')
    parser.add_argument('--apply-to', type=Path, metavar='FOLDER',
                        help='instead, apply the patches to the pristine files of a folder; '
                        'files that it lacks are taken from the kernel source')
    parser.add_argument('--upto', default='', metavar='PATCH',
                        help='with --apply-to: the last patch, like links/0002')
    asked = parser.parse_args()
    for name in set(asked.series) - set(known):
        parser.error(f'there is no series {name}')
    if asked.author and not Style(asked.author).fit:
        parser.error(f'--from: {asked.author} is not "Name <mail>" with an address that can be '
                     'answered')

    patches, own = read_patches(), tree.overlay()
    if not patches:
        raise Failure('patches/series lists no series with patches')
    for name in unlisted(patches, own):
        note(f'not in the series: {name} (no patch names it under "Overlay:")')
    # Not from the prepared tree, which another run may be changing, or building for long.
    origin = source.find()
    touched = [name for patch in patches for name in patch.files]
    upstream = Upstream(origin, [*own, *touched, *FILES])
    check_overlay(own, upstream)
    if asked.apply_to:
        asked.apply_to.mkdir(parents=True, exist_ok=True)
        count = apply_to(asked.apply_to, patches, own, upstream, asked.upto)
        note(f'{count} patches applied to {asked.apply_to}')
        return 0
    style = Style(asked.author or identity(), asked.version, asked.prefix)
    makefile = (upstream.root / 'Makefile').read_text(encoding='utf-8')
    made = export(patches, own, upstream, OUT, asked.series, style,
                  source.base(origin, makefile, touched))
    note(f'{len(made)} mails in {OUT}, by {style.author}')
    if not style.fit:
        note('They are for reading only, and git send-email refuses them: the author is a '
             "placeholder. Run make series FROM='Name <mail>' to mail them.")
    return 0


if __name__ == '__main__':
    command.run(main)
