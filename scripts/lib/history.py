# SPDX-License-Identifier: GPL-2.0-only
"""The series as commits, in a repository with only the files that they change."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib.content import Content, Originals
from lib.errors import Failure
from lib.patches import Patch, take_originals
from lib.versions import walk

DATE = '2026-01-01T00:00:00+0000'     # for a patch that has none, so that all runs agree
PLACEHOLDER = 'The struct_ops links authors <struct-ops-links@example.org>'


def git(repository: Path, *argv: str | Path, env: Mapping[str, str] | None = None,
        stdin: str | None = None) -> str:
    """Runs git without the user's settings."""
    fixed = {'GIT_CONFIG_GLOBAL': '/dev/null', 'GIT_CONFIG_NOSYSTEM': '1',
             'GIT_COMMITTER_NAME': 'series', 'GIT_COMMITTER_EMAIL': 'series@example.org',
             'GIT_COMMITTER_DATE': DATE, 'GIT_AUTHOR_NAME': 'series',
             'GIT_AUTHOR_EMAIL': 'series@example.org', 'GIT_AUTHOR_DATE': DATE}
    run = subprocess.run(['git', *argv], cwd=repository, env=os.environ | fixed | dict(env or {}),
                         input=stdin, capture_output=True, text=True, check=False)
    if run.returncode:
        raise Failure(f'git {argv[0]} failed on the series: {run.stderr.strip()}')
    return run.stdout


def commit(repository: Path, patch: Patch, author: str) -> None:
    """Commits what is in the work tree, with the patch's message."""
    mail = patch.text.replace(PLACEHOLDER, author)
    info = git(repository, 'mailinfo', '.git/message', '.git/diff', stdin=mail)
    said = dict(re.findall(r'^(\w+): (.*)$', info, re.M))
    for header in ('Author', 'Email', 'Subject'):
        if not said.get(header):
            raise Failure(f'{patch.id} has no From: or no Subject: that git can read')
    git(repository, 'add', '-A', '-f')
    git(repository, 'commit', '-q', '-F', '-', stdin=said['Subject'] + '\n\n' +
        (repository / '.git/message').read_text(encoding='utf-8'),
        env={'GIT_AUTHOR_NAME': said['Author'], 'GIT_AUTHOR_EMAIL': said['Email'],
             'GIT_AUTHOR_DATE': said.get('Date') or DATE})


def make(repository: Path, patches: Sequence[Patch], own: Mapping[str, Content],
         originals: Originals, author: str = PLACEHOLDER) -> None:
    """Makes a repository with a branch at the end of each series, and one called upstream."""
    repository.mkdir(exist_ok=True)
    git(repository, 'init', '-q', '-b', 'upstream')
    take_originals(patches, originals, repository, own)
    git(repository, 'add', '-A', '-f')
    git(repository, 'commit', '-q', '--allow-empty', '-m', 'Linux')
    git(repository, 'switch', '-q', '-c', 'work')
    for patch in walk(patches, own, originals, repository):
        commit(repository, patch, author)
        git(repository, 'branch', '-f', patch.series)


def mails(repository: Path, out: Path) -> list[Path]:
    """Writes the patches of all series, and nothing but them, as git format-patch does."""
    git(repository, 'format-patch', '-q', '--zero-commit', '--no-signature', '-o', out,
        'upstream..work')
    return sorted(out.glob('*.patch'))


def check(repository: Path, wanted: Mapping[str, Content | None]) -> None:
    """Fails unless the last commit holds what the kernel is built from."""
    for name, content in wanted.items():
        if Content.of(repository / name) != content:
            raise Failure(f'{name} is not at the end of the series what the kernel is built from')
