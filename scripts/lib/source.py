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
from typing import IO

from lib.errors import Failure
from lib.lock import lock
from lib.paths import LOG, cache
from lib.process import step
from lib.progress import note

SERIES = '7.3'
PACKAGE = f'linux-source-{SERIES}'
SUITE = 'trixie-backports'
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
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


def check_version(tree: Path, name: Path) -> str:
    """The version of a tree; one that the series is not made for is refused."""
    makefile = tree / 'Makefile'
    found = version(makefile.read_text(encoding='utf-8', errors='replace')) \
        if makefile.is_file() else ''
    if not found:
        raise Failure(f'{name} holds no Linux kernel source; {INSTEAD}')
    if not found.startswith(f'{SERIES}.'):
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


def newest() -> Path | None:
    """The newest package in the cache, by Debian's order of versions."""
    best: Path | None = None
    for path in (cache() / 'download').glob(f'{PACKAGE}_*.deb'):
        if best is None or subprocess.run(
                ['dpkg', '--compare-versions', path.name.split('_')[1], 'gt',
                 best.name.split('_')[1]], check=False).returncode == 0:
            best = path
    return best


def mirrors() -> list[str]:
    """The Debian archives that this machine's own apt is set up with."""
    form = '$(SITE)\t$(ORIGIN)\t$(LABEL)'
    try:
        listed = subprocess.run(
            ['apt-get', 'indextargets', '--format', form, 'Created-By: Packages'],
            capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        listed = ''
    sites = []
    for line in listed.splitlines():
        site, origin, label = line.split('\t')
        # Before a first apt-get update nothing is known of an archive but its address.
        unknown = origin.startswith('$(') or not origin
        if (origin, label) == ('Debian', 'Debian') or \
                (unknown and site.rstrip('/').endswith('/debian')):
            sites.append(site)
    return list(dict.fromkeys(sites))


def fetch() -> Path:
    """Downloads the newest package through an apt configuration of its own.

    To be called with the lock FETCHING.
    """
    store = cache() / 'download'
    store.mkdir(exist_ok=True)
    sites = mirrors()
    if not sites:
        raise Failure(f'apt on this machine names no Debian mirror to take {PACKAGE} from; '
                      f'{INSTEAD}')
    state = store / 'apt'
    (state / 'lists/partial').mkdir(parents=True, exist_ok=True)
    (state / 'cache/archives/partial').mkdir(parents=True, exist_ok=True)
    options = [f'-oDir::Etc::SourceList={state}/sources.list', '-oDir::Etc::SourceParts=/dev/null',
               f'-oDir::State::Lists={state}/lists', f'-oDir::Cache={state}/cache',
               '-oAPT::Sandbox::User=', '-oAcquire::Languages=none', '-oAcquire::Retries=2',
               '-oAPT::Update::Error-Mode=any']
    for site in sites:
        (state / 'sources.list').write_text(
            f'deb [signed-by={KEYRING}] {site} {SUITE} main\n', encoding='utf-8')
        note(f'fetching {PACKAGE} from {SUITE} (about 170 MB, once) ...')
        log = LOG / 'fetch.log'
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, 'w', encoding='utf-8') as out:
            def run(*argv: str, out: IO[str] = out) -> int:
                return subprocess.run(['apt-get', *options, *argv], stdout=out, stderr=out,
                                      cwd=store, check=False).returncode
            if run('update') == 0 and run('download', PACKAGE) == 0:
                package = newest()
                if package:
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
