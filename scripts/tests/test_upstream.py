# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's files are found in each kind of source, and read out of a tarball once."""

import io
import subprocess
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from unittest import mock

from lib.content import Content
from lib.errors import Failure
from lib.source import Source
from lib.upstream import Upstream
from tests.test_tree import MAKEFILE

FILES = {'Makefile': Content(MAKEFILE.encode()), 'net/old.c': Content(b'one\n'),
         'scripts/run.sh': Content(b'run\n', True)}


class UpstreamTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        patcher = mock.patch('lib.upstream.cache', return_value=self.top / 'cache')
        patcher.start()
        self.addCleanup(patcher.stop)

    def tree(self) -> Path:
        for name, content in FILES.items():
            content.put(self.top / 'linux-7.3.4' / name)
        return self.top / 'linux-7.3.4'

    def tarball(self, name: str = 'linux-7.3.4.tar.xz') -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['tar', '-C', self.top, '-caf', path, self.tree().name], check=True)
        return path

    def package(self) -> Path:
        root = self.top / 'package'
        self.tarball('package/usr/src/linux-source-7.3.tar.xz')
        Content(b'Package: linux-source-7.3\nVersion: 7.3.4-1\nArchitecture: all\n'
                b'Maintainer: A <a@example.org>\nDescription: Linux\n').put(root / 'DEBIAN/control')
        subprocess.run(['dpkg-deb', '--build', root, self.top / 'linux.deb'], check=True,
                       stdout=subprocess.DEVNULL)
        return self.top / 'linux.deb'

    def upstream(self, path: Path, *names: str) -> tuple[Upstream, str]:
        said = io.StringIO()
        with redirect_stderr(said):
            return Upstream(Source(path, path.name), names), said.getvalue()

    def refused(self, path: Path) -> str:
        with self.assertRaises(Failure) as said:
            Upstream(Source(path, path.name), ['net/old.c'])
        return str(said.exception)

    def test_each_kind_of_source(self) -> None:
        for path in (self.tree(), self.tarball(), self.tarball('linux.tar.gz'), self.package()):
            upstream, _ = self.upstream(path, *FILES, 'net/new.rs')
            for name, content in FILES.items():
                self.assertEqual(upstream.original(name), content, path)
            self.assertIsNone(upstream.original('net/new.rs'))

    def test_what_was_read_is_kept(self) -> None:
        path = self.tarball()
        self.assertIn('reading', self.upstream(path, 'net/old.c')[1])
        again, said = self.upstream(path, 'net/old.c', 'net/new.rs')
        self.assertEqual((again.original('net/old.c'), said), (FILES['net/old.c'], ''))
        more, said = self.upstream(path, 'scripts/run.sh')
        self.assertIn('reading', said)
        self.assertEqual(more.original('scripts/run.sh'), FILES['scripts/run.sh'])

    def test_another_source_is_read_anew(self) -> None:
        self.upstream(self.tarball(), 'net/old.c')
        self.assertIn('reading', self.upstream(self.tarball('other.tar.xz'), 'net/old.c')[1])

    def test_a_run_that_was_cut_short_is_made_good(self) -> None:
        path = self.tarball()
        with mock.patch('lib.upstream.Content.put', side_effect=KeyboardInterrupt), \
                self.assertRaises(KeyboardInterrupt):
            self.upstream(path, 'net/old.c')
        self.assertEqual(self.upstream(path, 'net/old.c')[0].original('net/old.c'),
                         FILES['net/old.c'])

    def test_what_is_no_tarball(self) -> None:
        path = self.top / 'linux.tar.xz'
        path.write_text('no tarball', encoding='utf-8')
        self.assertIn('LINUX_SRC=', self.refused(path))
        data = self.tarball().read_bytes()
        path.write_bytes(data[:len(data) // 2])
        self.assertIn('cannot be read', self.refused(path))

    def test_a_tarball_of_something_else(self) -> None:
        with mock.patch.dict(FILES):
            del FILES['Makefile']
            path = self.tarball('other.tar.gz')
        self.assertIn('no Linux kernel source', self.refused(path))


if __name__ == '__main__':
    unittest.main()
