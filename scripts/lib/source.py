# SPDX-License-Identifier: GPL-2.0-only
"""The pristine kernel source: Debian's package, or a tree or tarball of the user's."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lib.archive import answering, mirrors, newer
from lib.errors import Failure
from lib.lock import lock
from lib.paths import LOG, cache
from lib.process import step

SERIES = '7.3'
PACKAGE = f'linux-source-{SERIES}'
SUITE = 'trixie-backports'
RELEASE = f'{SERIES}.'      # how a version begins
FETCHING = 'download.lock'
INSTEAD = f'give a {SERIES}.y tree or tarball of your own with LINUX_SRC='


@dataclass(frozen=True)
class Source:
    path: Path       # a tarball or a tree
    identity: str    # changes when what is there changes


def version(makefile: str) -> str:
    """7.3.4 from the text of a kernel's top Makefile; '' where it is none."""
    number = dict(re.findall(r'^(VERSION|PATCHLEVEL|SUBLEVEL) *= *(\d+)$', makefile, re.M))
    return '.'.join(number.get(part, '') for part in ('VERSION', 'PATCHLEVEL', 'SUBLEVEL')) \
        if 'VERSION' in number else ''


def check_version(tree: Path, name: Path, release: str = RELEASE) -> str:
    """The version of a tree; one that the series is not made for is refused."""
    makefile = tree / 'Makefile'
    found = version(makefile.read_text(encoding='utf-8', errors='replace')) \
        if makefile.is_file() else ''
    if not found:
        raise Failure(f'{name} holds no Linux kernel source; {INSTEAD}')
    if not found.startswith(release):
        raise Failure(f'{name} is Linux {found}, this series is for {SERIES}.y; {INSTEAD}')
    return found


def find() -> Source:
    """What LINUX_SRC names, else the newest package in the cache, else fetch one."""
    own = os.environ.get('LINUX_SRC')
    if own:
        path = Path(own).expanduser().absolute()
        if path.is_dir():
            check_version(path, path)
            return Source(path, f'{path} {fingerprint(path)}')
        if path.is_file():
            status = path.stat()
            return Source(path, f'{path} {status.st_size} {status.st_mtime_ns}')
        raise Failure(f'LINUX_SRC={own} is neither a folder nor a file')
    with lock(FETCHING):
        package = newest() or fetch()
    return Source(package, package.name)


def fingerprint(tree: Path) -> str:
    """Names, sizes and times of a tree's files, without its .git."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(set(folders) - {'.git'})
        for name in sorted(files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            digest.update(f'{path}\0{status.st_size}\0{status.st_mtime_ns}\0'.encode())
    return digest.hexdigest()


def base(origin: Source, makefile: str, names: Iterable[str]) -> str:
    """What a series for this source is based on, as git format-patch says it.

    Only a git work tree knows its commit, and only if the files at stake are as
    they were committed.
    """
    def git(*argv: str) -> str | None:
        run = subprocess.run(['git', '-c', f'safe.directory={origin.path}', '-C', origin.path,
                              *argv], capture_output=True, text=True, check=False)
        return None if run.returncode else run.stdout.strip()

    if origin.path.is_dir() and git('rev-parse', '--show-prefix') == '' and \
            git('diff', '--quiet', 'HEAD', '--', *names) is not None:
        return f'base-commit: {git("rev-parse", "HEAD")}'
    return f'base: Linux {version(makefile)} ({origin.path.name})'


def newest(name: str = PACKAGE) -> Path | None:
    """The newest package of a name in the cache, by Debian's order of versions."""
    best: Path | None = None
    for path in (cache() / 'download').glob(f'{name}_*.deb'):
        if best is None or newer(path.name.split('_')[1], best.name.split('_')[1]):
            best = path
    return best


def fetch() -> Path:
    """Downloads the newest package through an apt configuration of its own.

    To be called with the lock FETCHING.
    """
    store = cache() / 'download'
    store.mkdir(exist_ok=True)
    if not mirrors():
        raise Failure(f'apt on this machine names no Debian mirror to take {PACKAGE} from; '
                      f'{INSTEAD}')
    state, log = store / 'apt', LOG / 'fetch.log'
    for archive in answering([SUITE], state, log):
        if package := archive.download(PACKAGE, store):
            shutil.rmtree(state)
            return package
    raise Failure(f'{PACKAGE} could not be fetched from the Debian mirror (see {log}); '
                  f'try again when the network is back, or {INSTEAD}')


def unpack(source: Source, scratch: Path) -> Path:
    """A tree to copy from: the user's own, or the tarball's contents in scratch."""
    if source.path.is_dir():
        return source.path
    folder = scratch / 'source'
    folder.mkdir(parents=True)
    step('unpacking the kernel source', ['tar', '-xf', tarball(source, scratch), '-C', folder,
                                         '--strip-components=1'], LOG / 'unpack.log')
    return folder


def tarball(source: Source, scratch: Path) -> Path:
    """The user's own, or the one in Debian's package, which is unpacked to scratch."""
    if source.path.suffix != '.deb':
        return source.path
    step('unpacking the package', ['dpkg-deb', '-x', source.path, scratch], LOG / 'unpack.log')
    return next(scratch.glob('usr/src/linux-source-*.tar.*'))
