# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's files as they were fetched, for those who need a few and no prepared tree."""

import hashlib
import lzma
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from lib import source
from lib.content import Content
from lib.errors import Failure
from lib.paths import cache
from lib.progress import note
from lib.source import Source


class Upstream:
    """The files of some names, as a source has them.

    What was read out of a tarball is kept in the cache, beside a list of all that
    is in there. Each file is put in its place whole, and never changes, so that
    this needs no lock.
    """

    def __init__(self, origin: Source, names: Iterable[str],
                 release: str = source.RELEASE) -> None:
        self.root = origin.path
        if not origin.path.is_dir():
            digest = hashlib.sha256(origin.identity.encode()).hexdigest()
            self.root = cache() / 'upstream' / digest
            listing = self.root.with_suffix('.names')
            # Of a name that is not listed nothing is to be found.
            wanted = {'Makefile', *names}
            if listing.exists():
                wanted &= set(listing.read_text(encoding='utf-8').split('\n'))
            wanted = {name for name in wanted if not (self.root / name).exists()}
            if wanted:
                self.take(origin, wanted, listing)
        self.version = source.check_version(self.root, origin.path, release)

    def take(self, origin: Source, wanted: set[str], listing: Path) -> None:
        """Goes through the tarball once."""
        note(f'reading files out of {origin.path.name} ...')
        self.root.mkdir(parents=True, exist_ok=True)
        listed = []
        with tempfile.TemporaryDirectory(dir=self.root.parent) as folder:
            new = Path(folder) / 'new'
            try:
                with tarfile.open(source.tarball(origin, Path(folder))) as archive:
                    for member in archive:
                        name = member.name.removeprefix('./').partition('/')[2]
                        listed.append(name)
                        if name in wanted and (file := archive.extractfile(member)):
                            Content(file.read(), bool(member.mode & 0o100)).put(new)
                            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                            new.replace(self.root / name)
            except (OSError, EOFError, tarfile.TarError, lzma.LZMAError) as error:
                raise Failure(f'{origin.path} cannot be read as a tarball ({error}); '
                              f'{source.INSTEAD}') from error
            # Last, for it says that every file was come by.
            new.write_text('\n'.join(listed), encoding='utf-8')
            new.replace(listing)

    def original(self, name: str) -> Content | None:
        """Upstream's file of this name."""
        return Content.of(self.root / name)
