# SPDX-License-Identifier: GPL-2.0-only
"""To whom a patch goes, by the kernel's own scripts/get_maintainer.pl."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from pathlib import Path

from lib.content import Originals
from lib.errors import Failure

FILES = ('scripts/get_maintainer.pl', 'MAINTAINERS')
# By these the script knows the top of a kernel tree; it does not read them.
TOP_FILES = ('COPYING', 'CREDITS', 'Kbuild', 'Makefile', 'README')
TOP_FOLDERS = ('Documentation', 'arch', 'include', 'drivers', 'fs', 'init', 'ipc', 'kernel', 'lib')


@dataclass(frozen=True)
class Recipients:
    """Maintainers, and those who are only to see it: reviewers and lists."""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()

    @classmethod
    def union(cls, parts: 'Iterable[Recipients]') -> 'Recipients':
        parts = list(parts)
        to = dict.fromkeys(name for part in parts for name in part.to)
        cc = dict.fromkeys(name for part in parts for name in part.cc if name not in to)
        return cls(tuple(to), tuple(cc))

    def headers(self) -> str:
        return ''.join(f'{title}: ' + ',\n    '.join(names) + '\n'
                       for title, names in (('To', self.to), ('Cc', self.cc)) if names)


def parse(output: str) -> Recipients:
    """Reads lines like "Name <mail> (maintainer:SUBSYSTEM)"."""
    to: list[str] = []
    cc: list[str] = []
    for line in output.splitlines():
        address, _, role = line.partition(' (')
        named = formataddr(parseaddr(address))
        (to if role.startswith(('maintainer', 'supporter')) else cc).append(named)
    return Recipients.union([Recipients(tuple(to), tuple(cc))])


class Maintainers:
    """Asks the script, in a folder that has what it looks at of a kernel tree."""

    def __init__(self, originals: Originals, folder: Path) -> None:
        self.folder = folder
        for name in TOP_FOLDERS:
            (folder / name).mkdir(parents=True)
        for name in TOP_FILES:
            (folder / name).touch()
        for name in FILES:
            content = originals.original(name)
            if not content:
                raise Failure(f'the kernel source has no {name}, which knows whom to mail')
            content.put(folder / name)

    def of(self, patch: Path) -> Recipients:
        run = subprocess.run(
            ['perl', FILES[0], '--no-git', '--no-git-fallback', '--roles', '--no-rolestats',
             patch.resolve()], cwd=self.folder, capture_output=True, text=True, check=False)
        if run.returncode:
            raise Failure(f'{FILES[0]} failed on {patch.name}: {run.stderr.strip()}')
        return parse(run.stdout)
