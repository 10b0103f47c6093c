# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel source is taken, and what is said of a wrong one."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib import source
from lib.errors import Failure

MAKEFILE = '# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\nEXTRAVERSION =\n'


class SourceTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def tree(self, makefile: str) -> Path:
        (self.top / 'Makefile').write_text(makefile, encoding='utf-8')
        return self.top

    def refused(self, call: object, *args: object) -> str:
        with self.assertRaises(Failure) as said:
            call(*args)    # type: ignore[operator]
        self.assertIn('LINUX_SRC=', str(said.exception))
        return str(said.exception)

    def test_version(self) -> None:
        self.assertEqual(source.version(MAKEFILE), '7.3.4')
        self.assertEqual(source.version('all:\n'), '')

    def test_the_right_version(self) -> None:
        self.assertEqual(source.check_version(self.tree(MAKEFILE), self.top), '7.3.4')

    def test_wrong_versions(self) -> None:
        for text, number in ((MAKEFILE.replace('3', '2'), '7.2.4'),
                             (MAKEFILE.replace('= 7', '= 6'), '6.3.4'),
                             (MAKEFILE.replace('3', '30'), '7.30.4')):
            self.assertIn(f'is Linux {number}',
                          self.refused(source.check_version, self.tree(text), self.top))

    def test_no_kernel(self) -> None:
        self.assertIn('no Linux kernel source',
                      self.refused(source.check_version, self.tree('all:\n'), self.top))

    def test_linux_src_that_is_not_there(self) -> None:
        with mock.patch.dict(os.environ, {'LINUX_SRC': str(self.top / 'gone')}):
            self.assertIn('neither', self.refused(source.find))

    def test_a_tree_is_known_by_its_contents(self) -> None:
        with mock.patch.dict(os.environ, {'LINUX_SRC': str(self.tree(MAKEFILE))}):
            before = source.find()
            self.assertEqual(source.find(), before)
            (self.top / 'new.c').write_text('', encoding='utf-8')
            self.assertNotEqual(source.find(), before)

    def test_newest_package(self) -> None:
        with mock.patch('lib.source.cache', return_value=self.top):
            self.assertIsNone(source.newest())
            (self.top / 'download').mkdir()
            for number in ('7.3.9-1', '7.3.10-1~bpo13+1', '7.3.10~rc1-1'):
                (self.top / f'download/linux-source-7.3_{number}_all.deb').touch()
            self.assertIn('7.3.10-1~bpo13+1', str(source.newest()))

    def test_no_mirror(self) -> None:
        with mock.patch('lib.source.mirrors', return_value=[]), \
                mock.patch('lib.source.cache', return_value=self.top):
            self.assertIn('no Debian mirror', self.refused(source.fetch))


if __name__ == '__main__':
    unittest.main()
