# SPDX-License-Identifier: GPL-2.0-only
"""Which mirrors are asked, and what of their answers is taken."""

import subprocess
import tempfile
import unittest
from contextlib import ExitStack, redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from lib import archive
from lib.archive import Archive
from lib.content import Content
from lib.errors import Failure

MADISON = '''\
linux-source-6.1 | 6.1.9-1 | http://a.example bookworm/main amd64 Packages
linux-source-6.1 | 6.1.10-1 | http://a.example bookworm/main amd64 Packages
linux-source-6.12 | 6.12.9-1~bpo12+1 | http://a.example bookworm-backports/main amd64 Packages
linux-source-6.12 | 6.12.9-1 | http://a.example trixie/main amd64 Packages
'''


class MirrorsTest(unittest.TestCase):
    def test_mirrors(self) -> None:
        listed = ('http://a.example/debian\tDebian\tDebian\n'
                  'http://a.example/debian\tDebian\tDebian\n'
                  'http://a.example/security\tDebian\tDebian-Security\n'
                  'http://b.example/debian\t$(ORIGIN)\t$(LABEL)\n'
                  'http://c.example/tools\t$(ORIGIN)\t$(LABEL)\n'
                  'http://d.example/debian\tSomebody\tTheirs\n')
        with mock.patch('subprocess.run', return_value=mock.Mock(stdout=listed)):
            self.assertEqual(archive.mirrors(),
                             ['http://a.example/debian', 'http://b.example/debian'])


class ArchiveTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.archive = Archive('http://a.example', ['one', 'two'], self.top / 'state',
                               self.top / 'log')

    def test_the_suites(self) -> None:
        sources = (self.top / 'state/sources.list').read_text(encoding='utf-8')
        self.assertEqual([line.split()[-2] for line in sources.splitlines()], ['one', 'two'])

    def test_the_architecture(self) -> None:
        self.assertFalse([option for option in self.archive.options if 'Architecture' in option])
        other = Archive('http://a.example', ['one'], self.top / 'state', self.top / 'log', 'arm64')
        self.assertIn('-oAPT::Architecture=arm64', other.options)

    def test_the_newest_of_each(self) -> None:
        with mock.patch.object(Archive, 'ask', side_effect=['linux-source-6.1\n', MADISON]):
            self.assertEqual(self.archive.versions('linux-source-'),
                             {'linux-source-6.1': '6.1.10-1', 'linux-source-6.12': '6.12.9-1'})
        with mock.patch.object(Archive, 'ask', return_value=''):
            self.assertEqual(self.archive.versions('linux-source-'), {})

    def download(self, status: int) -> Path | None:
        def run(_: object, cwd: Path, **__: object) -> subprocess.CompletedProcess[str]:
            (cwd / 'a_1_all.deb').write_text('part', encoding='utf-8')
            return subprocess.CompletedProcess([], status)

        with mock.patch.object(Archive, 'ask', return_value='Size: 4\n'), \
                mock.patch('subprocess.run', run), redirect_stderr(StringIO()):
            return self.archive.download('a', self.top)

    def test_a_download(self) -> None:
        self.assertEqual(self.download(0), self.top / 'a_1_all.deb')
        self.assertTrue((self.top / 'a_1_all.deb').exists())

    def test_a_download_that_is_cut_short_leaves_nothing(self) -> None:
        self.assertIsNone(self.download(100))
        self.assertEqual(list(self.top.glob('*.deb')), [])


class UnpackTest(unittest.TestCase):
    def unpack(self, *there: str) -> list[str]:
        """What is unpacked from a mirror that has those packages."""
        def download(_: Archive, package: str, __: Path) -> Path | None:
            return Path(package) if package in there else None

        def step(_: str, argv: list[Path], __: Path) -> None:
            Content(b'').put(argv[-1] / str(argv[-2]).replace('/', '-'))

        with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
            for what, new in {'archive.cache': lambda: Path(name), 'lock.cache': lambda: Path(name),
                              'archive.mirrors': lambda: ['http://a.example'],
                              'archive.step': step, 'archive.Archive.update': lambda _: True,
                              'archive.Archive.download': download}.items():
                stack.enter_context(mock.patch(f'lib.{what}', new))
            try:
                archive.unpack('suite', ['a', 'b'], Path(name, 'folder'))
                archive.unpack('suite', ['c'], Path(name, 'folder'))
            finally:
                self.left = Path(name, 'folder').exists()
            return sorted(path.name for path in Path(name, 'folder').iterdir())

    def test_all_once(self) -> None:
        self.assertEqual(self.unpack('a/suite', 'b/suite'), ['a-suite', 'b-suite'])

    def test_one_that_is_missing_leaves_nothing(self) -> None:
        with self.assertRaisesRegex(Failure, 'a, b could not be fetched from suite'):
            self.unpack('a/suite')
        self.assertFalse(self.left)


if __name__ == '__main__':
    unittest.main()
