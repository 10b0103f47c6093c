# SPDX-License-Identifier: GPL-2.0-only
"""A series as mails: what git format-patch writes, with recipients and what it is based on."""

import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lib.errors import Failure
from lib.history import PLACEHOLDER, git
from lib.maintainers import Maintainers, Recipients
from lib.paths import TOP
from lib.progress import watched

ADDRESS = re.compile(r'[^<>@"]+ <[^<>@\s]+@[^<>@\s]+\.[^<>@\s]+>')
# Nobody can answer a mail from there.
DEAD_END = re.compile(r'noreply|[@.](?:example(?:\.(?:com|net|org))?|invalid|localhost|test)>$')
# git send-email refuses a file whose first subject has these words; git am goes by the last one.
UNFIT = ('X-Not-For-Mailing: the author is a placeholder\n'
         'Subject: *** SUBJECT HERE *** the author is a placeholder: run make series '
         'FROM=\'Name <mail>\'\n')


@dataclass(frozen=True)
class Style:
    """What the one who sends a series decides."""
    author: str = PLACEHOLDER
    version: int = 1
    prefix: str = ''

    @property
    def fit(self) -> bool:
        """Whether the mails may be sent."""
        return bool(ADDRESS.fullmatch(self.author)) and not DEAD_END.search(self.author)

    @property
    def options(self) -> list[str]:
        words = self.prefix if 'PATCH' in self.prefix.split() else f'{self.prefix} PATCH'
        found = [f'--subject-prefix={words.strip()}']
        return [*found, f'--reroll-count={self.version}'] if self.version > 1 else found


def cover(name: str) -> str:
    """The cover letter of a series: its subject, an empty line, and what it is about."""
    path = TOP / 'patches' / name / 'cover.txt'
    if not path.is_file():
        raise Failure(f'{path.relative_to(TOP)} is missing: it holds the subject of the cover '
                      f'letter, an empty line and the text')
    text = path.read_text(encoding='utf-8').strip() + '\n'
    if not re.match(r'\S.*\n\n\S', text):
        raise Failure(f'{path.relative_to(TOP)} has to start with a subject and an empty line')
    return text


def prerequisites(repository: Path, before: str) -> str:
    """The patches that a series stands on, as git format-patch --base names them."""
    lines = ''
    for commit in git(repository, 'rev-list', '--reverse', f'upstream..{before}').split():
        diff = git(repository, 'diff-tree', '-p', '--root', commit)
        patch_id = git(repository, 'patch-id', '--stable', stdin=diff).split()
        lines += f'prerequisite-patch-id: {patch_id[0]}\n' if patch_id else ''
    return lines


def with_headers(text: str, headers: str, first: str = '') -> str:
    """A mail with more headers: some after its first line, and some after all others."""
    separator, _, rest = text.partition('\n')
    head, _, body = rest.partition('\n\n')
    return f'{separator}\n{first}{head}\n{headers}\n{body}'


def write(repository: Path, name: str, before: str, out: Path, style: Style, base: str,
          maintainers: Maintainers | None) -> list[Path]:
    """Writes the mails of one series, which stands on another, to the folder out."""
    author, _, mail = style.author.rpartition(' ')
    git(repository, 'config', f'branch.{name}.description', cover(name))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        git(repository, 'format-patch', '-q', '--zero-commit', '--no-signature', '--cover-letter',
            '--cover-from-description=subject', *style.options, '-o', f'{folder}/series',
            f'{before}..{name}',
            env={'GIT_COMMITTER_NAME': author, 'GIT_COMMITTER_EMAIL': mail.strip('<>')})
        first, *rest = sorted(Path(folder, 'series').glob('*.patch'))
        parts = dict.fromkeys(rest, Recipients())
        if maintainers and style.fit:
            found: list[Recipients] = []
            with watched(f'{name}: asking get_maintainer.pl', lambda: len(found), len(rest)), \
                    ThreadPoolExecutor(os.cpu_count()) as pool:
                found.extend(pool.map(maintainers.of, rest))
            parts |= dict(zip(rest, found, strict=True))
        parts[first] = Recipients.union(parts.values())
        for path, recipients in parts.items():
            text = path.read_text(encoding='utf-8')
            if path == first:
                text = text.rstrip('\n') + f'\n\n{base}\n{prerequisites(repository, before)}\n'
            path.write_text(with_headers(text, recipients.headers(), '' if style.fit else UNFIT),
                            encoding='utf-8')
        shutil.rmtree(out, ignore_errors=True)
        Path(folder, 'series').rename(out)
    return sorted(out.glob('*.patch'))


def check(repository: Path, name: str, before: str, mails: list[Path]) -> None:
    """Fails unless git am makes of the mails what the series is."""
    with tempfile.TemporaryDirectory(prefix='am.') as folder:
        git(repository, 'worktree', 'add', '-q', '--detach', f'{folder}/tree', before)
        made = Path(folder, 'tree')
        git(made, 'am', '-q', '--empty=drop', *mails)
        trees = {git(where, 'rev-parse', f'{commit}^{{tree}}')
                 for where, commit in ((made, 'HEAD'), (repository, name))}
        git(repository, 'worktree', 'remove', '--force', made)
    if len(trees) != 1:
        raise Failure(f'git am does not make of the mails what the series {name} is')
