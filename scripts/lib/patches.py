# SPDX-License-Identifier: GPL-2.0-only
"""The patches of the series, and how one is applied.

A patch file is a mail. Below its "---" it may hold, before the diff to upstream's
files,

    Kind: c
        what the patch is to the check of object code (see scripts/series_check.py);
    Move:
     FROM TO
      NAME ...
        definitions that go from one C file to another as they are, before the diff;
    Overlay:
     NAME ...
        the repository's own files that the patch brings;
    Backports:
     RELEASE ...
        why it does not apply to other kernels (see lib/backports.py).

The diff may also change own files that an earlier patch brings. The repository
holds what such a file is in the end (see lib/versions.py).
"""

import os
import re
import subprocess
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lib.content import Content, Originals
from lib.errors import Failure
from lib.move import MoveError, move
from lib.paths import TOP

FILE = re.compile(r'\d{4}-\S+\.patch')
KINDS = ('c', 'move')
BLOCKS = re.compile(r'^(?:Kind: \w+\n|(?:Move|Overlay|Backports):\n(?: +\S.*\n)+)', re.M)


@dataclass(frozen=True)
class Move:
    """Definitions that go from one file to another."""
    source: str
    target: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Patch:
    """One mail of a series."""
    path: Path
    text: str

    @property
    def series(self) -> str:
        return self.path.parent.name

    @property
    def id(self) -> str:
        """How people call it: links/0002."""
        return f'{self.series}/{self.path.name[:4]}'

    @property
    def message(self) -> str:
        return self.text.partition('\n---\n')[0]

    @property
    def notes(self) -> str:
        """What stands between the message and the diff."""
        return self.text.partition('\n---\n')[2].partition('\ndiff --git ')[0] + '\n'

    def block(self, title: str) -> list[str]:
        """The indented lines under a title of the notes."""
        found = re.search(rf'^{title}:\n((?: +\S.*\n)+)', self.notes, re.M)
        return found[1].splitlines() if found else []

    @property
    def kind(self) -> str:
        found = re.search(r'^Kind: (\w+)$', self.notes, re.M)
        return found[1] if found else ''

    @property
    def overlay(self) -> list[str]:
        """The repository's own files that this patch brings."""
        return [line.strip() for line in self.block('Overlay')]

    @property
    def moves(self) -> list[Move]:
        found: list[Move] = []
        for line in self.block('Move'):
            words = line.split()
            if line.startswith('  ') and found and len(words) == 1:
                last = found.pop()
                found.append(Move(last.source, last.target, (*last.names, words[0])))
            elif not line.startswith('  ') and len(words) == 2:
                found.append(Move(words[0], words[1], ()))
            else:
                raise Failure(f'{self.id}: cannot read this line under "Move:": {line}')
        return found

    @cached_property
    def sections(self) -> dict[str, str]:
        """Each file that the diff changes, and how."""
        start = self.text.find('\ndiff --git ')
        diff = self.text[start + 1:] if start >= 0 else ''
        found = {}
        for section in re.split(r'^(?=diff --git )', diff, flags=re.M):
            head = re.match(r'diff --git a/(\S+) b/\S+\n', section)
            if head:
                found[head[1]] = section
        return found

    @property
    def files(self) -> list[str]:
        """The files that it changes, but for those it brings."""
        names = [name for part in self.moves for name in (part.source, part.target)]
        return list(dict.fromkeys([*names, *self.sections]))


def series_names(top: Path = TOP) -> list[str]:
    """The series, in their order."""
    listing = top / 'patches/series'
    lines = listing.read_text(encoding='utf-8').splitlines() if listing.exists() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith('#')]


def read_patches(top: Path = TOP) -> list[Patch]:
    """The patches of all series, in their order."""
    found: list[Patch] = []
    for name in series_names(top):
        folder = top / 'patches' / name
        if not folder.is_dir():
            raise Failure(f'patches/series lists {name}, which is no folder of patches/')
        for path in sorted(folder.glob('*.patch')):
            if not FILE.fullmatch(path.name):
                raise Failure(f'{path.relative_to(top)} is not named like 0001-what-it-does.patch')
            patch = Patch(path, path.read_text(encoding='utf-8'))
            if found and found[-1].id == patch.id:
                raise Failure(f'{patch.id} is the number of two patches')
            unknown = BLOCKS.sub('', patch.notes).strip()
            if unknown:
                raise Failure(f'{patch.id}: cannot read this below its "---": '
                              f'{unknown.splitlines()[0]}')
            if patch.kind and patch.kind not in KINDS:
                raise Failure(f'{patch.id} is of kind {patch.kind}: there are {", ".join(KINDS)}')
            found.append(patch)
    return found


def git_apply(diff: str, folder: Path, *options: str) -> str:
    """Applies a diff to the files below a folder; returns what git complains of."""
    env = os.environ | {'GIT_CEILING_DIRECTORIES': str(folder.resolve().parent)}
    run = subprocess.run(['git', 'apply', *options, '-'], input=diff, cwd=folder, env=env,
                         capture_output=True, text=True, check=False)
    return run.stderr.rstrip() if run.returncode else ''


def apply(patch: Patch, folder: Path, own: Container[str] = ()) -> None:
    """Applies a patch to the files below a folder, but for what it does to own files."""
    for part in patch.moves:
        source, target = Content.of(folder / part.source), Content.of(folder / part.target)
        if not source:
            raise Failure(f'{patch.id} moves code from {part.source}, which is not there')
        try:
            texts = move(source.data.decode(), target.data.decode() if target else '',
                         part.names, part.source)
        except MoveError as error:
            raise Failure(f'{patch.id} cannot move code to {part.target}: {error}') from error
        for name, text in zip((part.source, part.target), texts, strict=True):
            Content(text.encode()).put(folder / name)
    diff = ''.join(text for name, text in patch.sections.items() if name not in own)
    said = git_apply(diff, folder) if diff else ''
    if said:
        where = re.search(r'error: (?:patch failed: )?(\S+?)(?::\d+)?(?::? |$)', said, re.M)
        place = f' to {where[1]}' if where else ''
        raise Failure(f'{patch.id} does not apply{place} of this kernel source: bring the '
                      f'patch up to date, or use a kernel it was made for (LINUX_SRC=); nothing '
                      f'was changed\n{said}')


def take_originals(patches: Iterable[Patch], originals: Originals, folder: Path,
                   own: Container[str] = ()) -> list[str]:
    """Puts the files that patches change below a folder, where it has none yet."""
    touched = [name for name in dict.fromkeys(name for patch in patches for name in patch.files)
               if name not in own]
    for name in touched:
        content = originals.original(name)
        if content and not (folder / name).exists():
            content.put(folder / name)
    return touched
