# SPDX-License-Identifier: GPL-2.0-only
"""Whether patches apply to the other kernels that Debian has the source of.

A patch "applies" as it is, or "merges" as with git am -3. One that does neither
says why, for each such release, below its "---":

    Backports:
     6.12 by hand: what is different there
     6.1 no such code: what is not there
"""

import re
import subprocess
import tempfile
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lib import source
from lib.archive import answering
from lib.content import Content, Originals
from lib.errors import Failure
from lib.lock import lock
from lib.patches import Patch, apply, git_apply, take_originals
from lib.paths import LOG, cache
from lib.progress import note
from lib.source import Source
from lib.upstream import Upstream

SUITES = ('bookworm', 'bookworm-backports', 'trixie', 'trixie-backports')
PREFIX = 'linux-source-'
LINE = re.compile(r'(?P<release>\d+\.\d+) (?P<word>by hand|no such code): (?P<reason>\S.*)')


@dataclass(frozen=True)
class Verdict:
    """What became of one patch on one kernel."""
    word: str
    good: bool = True
    reason: str = ''


def fetch() -> list[Path]:
    """Downloads the newest source package of each release but the one of the series."""
    store = cache() / 'download'
    store.mkdir(exist_ok=True)
    log = LOG / 'backports.log'
    with lock(source.FETCHING):
        for archive in answering(SUITES, store / 'apt-all', log):
            found: list[Path] = []
            for name, version in sorted(archive.versions(PREFIX).items()):
                if name == source.PACKAGE:
                    continue
                path = store / f'{name}_{version.replace(":", "%3a")}_all.deb'
                if not path.exists() and not archive.download(f'{name}={version}', store):
                    raise Failure(f'{name} could not be downloaded (see {log}): try again')
                found.append(path)
            return found
        names = {path.name.split('_')[0] for path in store.glob(f'{PREFIX}*.deb')}
        kept = [package for name in names - {source.PACKAGE}
                if (package := source.newest(name))]
    if not kept:
        raise Failure(f'no Debian mirror can be asked for other kernels (see {log}): '
                      f'try again when the network is back')
    note('no mirror can be asked: these are the kernels that were downloaded before')
    return kept


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r'\d+', version))


def notes(patch: Patch) -> dict[tuple[int, ...], tuple[str, str]]:
    """What a patch says of releases that it does not apply to."""
    found = {}
    for line in patch.block('Backports'):
        said = LINE.fullmatch(line.strip())
        if not said:
            raise Failure(f'{patch.id}: cannot read this line under "Backports:": {line}')
        found[number(said['release'])] = said['word'], said['reason']
    return found


def merge(name: str, other: Path, before: Content, after: Path) -> bool:
    """Merges a change to a file into another kernel's; returns whether it fits there."""
    if not (other / name).exists():
        return False
    with tempfile.NamedTemporaryFile() as base:
        Path(base.name).write_bytes(before.data)
        files = [str(other / name), base.name, str(after / name)]
        clean = subprocess.run(['git', 'merge-file', '-p', *files], capture_output=True,
                               check=False)
        if clean.returncode:
            # Later patches find what one who adapts this one would make of it.
            clean = subprocess.run(['git', 'merge-file', '-p', '--theirs', *files],
                                   capture_output=True, check=False)
            (other / name).write_bytes(clean.stdout)
            return False
    (other / name).write_bytes(clean.stdout)
    return True


def judge(patch: Patch, ours: Path, other: Path, own: Container[str]) -> Verdict:
    """Applies a patch to the files of both kernels: to ours it does apply."""
    names = [name for name in patch.files if name not in own]
    before = {name: Content.of(ours / name) for name in names}
    apply(patch, ours, own)
    diff = ''.join(patch.sections[name] for name in patch.sections if name in names)
    if not names:
        return Verdict('new files')
    if diff and not patch.moves and not git_apply(diff, other):
        return Verdict('applies')
    unfit = [name for name, content in before.items()
             if content and not merge(name, other, content, ours)]
    return Verdict('DOES NOT APPLY', False, ', '.join(unfit)) if unfit else Verdict('merges')


def explained(verdict: Verdict, patch: Patch, version: str) -> Verdict:
    """The verdict, in the light of what the patch says of this release."""
    word, reason = notes(patch).get(number(version)[:2], ('', ''))
    if word and verdict.good:
        return Verdict('STALE NOTE', False, f'{patch.id} says "{word}", but it {verdict.word}')
    return Verdict(word, True, reason) if word else verdict


def check(patches: Sequence[Patch], own: Container[str], ours: Originals,
          kernel: Upstream) -> list[Verdict]:
    """One verdict for each patch, each on top of those before it."""
    with tempfile.TemporaryDirectory(prefix='backports.') as folder:
        here, there = Path(folder, 'here'), Path(folder, 'there')
        for where, originals in ((here, ours), (there, kernel)):
            where.mkdir()
            take_originals(patches, originals, where, own)
        return [explained(judge(patch, here, there, own), patch, kernel.version)
                for patch in patches]


def kernels(packages: Iterable[Path], names: Sequence[str]) -> list[Upstream]:
    """The files of these names, of each package, tree or tarball; the oldest kernel first."""
    found = []
    for path in packages:
        if not path.exists():
            raise Failure(f'{path} is not there: name a kernel tree, tarball or source package')
        status = path.stat()
        identity = f'{path.name} {status.st_size} {status.st_mtime_ns}'
        found.append(Upstream(Source(path, identity), names, release=''))
    return sorted(found, key=lambda kernel: number(kernel.version))
