#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Exports the series for git am: the patches, with the overlay's files as new files.

The patches are written to build/series. They apply to a Linux 7.3 tree.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lib import source, tree
from lib.paths import BUILD
from lib.steps import fail, note
from lib.tree import Content, Patch
from lib.upstream import Upstream

OUT = BUILD / 'series'
DATE = '2026-01-01T00:00:00+0000'     # for a patch that has none


def unlisted(patches: list[Patch], own: dict[str, Content]) -> list[str]:
    """The overlay's files that no patch brings; fails when one is named wrongly."""
    listed: dict[str, Patch] = {}
    for patch in patches:
        for name in patch.overlay:
            if name in listed:
                fail(f'{name} is brought by {listed[name].path.name} and {patch.path.name}: '
                     f'name it in one of them')
            if name not in own:
                fail(f'{patch.path.name} brings {name}, which is not in the repository')
            listed[name] = patch
    return [name for name in own if name not in listed]


def git(repository: Path, *argv: str | Path, env: dict[str, str] | None = None,
        stdin: str | None = None) -> str:
    fixed = {'GIT_CONFIG_GLOBAL': '/dev/null', 'GIT_CONFIG_NOSYSTEM': '1',
             'GIT_COMMITTER_NAME': 'series', 'GIT_COMMITTER_EMAIL': 'series@example.org',
             'GIT_COMMITTER_DATE': DATE, 'GIT_AUTHOR_NAME': 'series',
             'GIT_AUTHOR_EMAIL': 'series@example.org', 'GIT_AUTHOR_DATE': DATE}
    run = subprocess.run(['git', *argv], cwd=repository, env=os.environ | fixed | (env or {}),
                         input=stdin, capture_output=True, text=True, check=False)
    if run.returncode:
        fail(f'git {argv[0]} failed on the series: {run.stderr.strip()}')
    return run.stdout


def export(patches: list[Patch], own: dict[str, Content], pristine: tree.Originals,
           out: Path) -> list[Path]:
    """Writes the patches to out, by way of a repository with only the files at stake."""
    with tempfile.TemporaryDirectory(prefix='series.') as folder:
        repository = Path(folder)
        git(repository, 'init', '-q')
        for name in {name for patch in patches for name in patch.files}:
            content = pristine.original(name)
            if content:
                content.put(repository / name)
        git(repository, 'add', '-A', '-f')
        git(repository, 'commit', '-q', '--allow-empty', '-m', 'Linux')
        for patch in patches:
            tree.apply(patch, repository)
            for name in patch.overlay:
                own[name].put(repository / name)
            info = git(repository, 'mailinfo', '.git/message', '.git/diff', stdin=patch.text)
            said = dict(re.findall(r'^(\w+): (.*)$', info, re.M))
            git(repository, 'add', '-A', '-f')
            git(repository, 'commit', '-q', '-F', '-', stdin=said['Subject'] + '\n\n' +
                (repository / '.git/message').read_text(encoding='utf-8'),
                env={'GIT_AUTHOR_NAME': said['Author'], 'GIT_AUTHOR_EMAIL': said['Email'],
                     'GIT_AUTHOR_DATE': said.get('Date') or DATE})
        out.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent) as made:
            git(repository, 'format-patch', '-q', '--zero-commit', '--no-signature',
                '-o', f'{made}/series', f'-{len(patches)}')
            shutil.rmtree(out, ignore_errors=True)
            Path(made, 'series').rename(out)
    return sorted(out.glob('*.patch'))


def main() -> int:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    patches, own = tree.series(), tree.overlay()
    if not patches:
        fail('patches/series lists no patch')
    for name in unlisted(patches, own):
        note(f'not in the series: {name} (no patch names it under "Overlay:")')
    # Not from the prepared tree, which another run may be changing, or building for long.
    upstream = Upstream(source.find(), [*own, *(name for patch in patches for name in patch.files)])
    tree.check_overlay(own, upstream)
    made = export(patches, own, upstream, OUT)
    note(f'{len(made)} patches in {OUT}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
