# SPDX-License-Identifier: GPL-2.0-only
"""Packages of Debian's suites, by an apt configuration that leaves the machine's alone."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from lib.errors import Failure
from lib.lock import lock
from lib.paths import LOG, cache
from lib.process import run_logged, step
from lib.progress import watched

KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
MB = 1 << 20


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


def newer(one: str, other: str) -> bool:
    """Whether one version is newer than another, by Debian's order."""
    return subprocess.run(['dpkg', '--compare-versions', one, 'gt', other],
                          check=False).returncode == 0


class Archive:
    """The suites of one mirror; what apt knows of them is kept in the folder state.

    Its packages are the machine's own, or those of another architecture.
    """

    def __init__(self, site: str, suites: Sequence[str], state: Path, log: Path,
                 arch: str = '') -> None:
        self.name, self.state, self.log = f'{site} {", ".join(suites)}', state, log
        for folder in ('lists/partial', 'cache/archives/partial'):
            (state / folder).mkdir(parents=True, exist_ok=True)
        (state / 'sources.list').write_text(''.join(
            f'deb [signed-by={KEYRING}] {site} {suite} main\n' for suite in suites),
            encoding='utf-8')
        self.options = [
            f'-oDir::Etc::SourceList={state}/sources.list', '-oDir::Etc::SourceParts=/dev/null',
            f'-oDir::State::Lists={state}/lists', f'-oDir::Cache={state}/cache',
            '-oAPT::Sandbox::User=', '-oAcquire::Languages=none', '-oAcquire::Retries=2',
            '-oAPT::Update::Error-Mode=any',
            *([f'-oAPT::Architecture={arch}'] if arch else [])]

    def update(self) -> bool:
        """Brings the lists up to date; returns whether that worked."""
        return run_logged(f'asking {self.name}', ['apt-get', *self.options, 'update'],
                          self.log) == 0

    def ask(self, *argv: str) -> str:
        run = subprocess.run(['apt-cache', *self.options, *argv], capture_output=True, text=True,
                             check=False)
        if run.returncode:
            raise Failure(f'apt-cache {argv[0]} failed: {run.stderr.strip()}')
        return run.stdout

    def versions(self, prefix: str) -> dict[str, str]:
        """The newest version of each package whose name starts like that."""
        found: dict[str, str] = {}
        names = self.ask('pkgnames', prefix).split()
        for line in self.ask('madison', *names).splitlines() if names else []:
            name, version = (word.strip() for word in line.split('|')[:2])
            if name not in found or newer(version, found[name]):
                found[name] = version
        return found

    def download(self, package: str, folder: Path) -> Path | None:
        """Downloads a package, or a version of it, to a folder, whole or not at all."""
        size = next((int(line.split()[1]) for line in self.ask('show', package).splitlines()
                     if line.startswith('Size: ')), 0)
        scratch = self.state / 'download'
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()

        def got() -> int:
            return sum(path.stat().st_size for path in scratch.iterdir()) // MB

        with watched(f'downloading {package} (MB)', got, size // MB), \
                open(self.log, 'a', encoding='utf-8') as out:
            status = subprocess.run(['apt-get', *self.options, 'download', package], cwd=scratch,
                                    stdout=out, stderr=out, check=False).returncode
        found = list(scratch.glob('*.deb'))
        if status or not found:
            return None
        return found[0].replace(folder / found[0].name)


def answering(suites: Sequence[str], state: Path, log: Path,
              arch: str = '') -> Iterator[Archive]:
    """The suites of each mirror that answers."""
    for site in mirrors():
        archive = Archive(site, suites, state, log, arch)
        if archive.update():
            yield archive


def unpack(suite: str, packages: Sequence[str], folder: Path, arch: str = '') -> None:
    """Makes the folder of what packages of a suite hold, whole or not at all, unless it exists."""
    state, scratch = cache() / f'download/apt-{folder.name}', folder.with_name(f'{folder.name}.new')
    log = LOG / f'{folder.name}.log'
    with lock(f'{folder.name}.lock'):
        if folder.exists():
            return
        folder.parent.mkdir(exist_ok=True)
        for archive in answering([suite], state, log, arch):
            shutil.rmtree(scratch, ignore_errors=True)
            for name in packages:
                package = archive.download(f'{name}/{suite}', state)
                if not package:
                    break
                step(f'unpacking {name}', ['dpkg-deb', '-x', package, scratch], log)
            else:
                scratch.rename(folder)
                shutil.rmtree(state)
                return
    raise Failure(f'{", ".join(packages)} could not be fetched from {suite} of a Debian mirror '
                  f'(see {log}): try again when the network is back')
