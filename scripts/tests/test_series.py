# SPDX-License-Identifier: GPL-2.0-only
"""The exported series: git am makes of it what the kernel is built from."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

import series
from lib.content import Content
from lib.errors import Failure
from lib.history import PLACEHOLDER
from lib.patches import Patch
from lib.tree import Tree, changes
from tests.test_tree import MAKEFILE, MORE, OWN, PATCH

SECOND = PATCH.partition('Overlay')[0] + MORE


class SeriesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.tree = Tree(self.top / 'linux')
        Content(b'one\ntwo\nthree\n').put(self.tree.root / 'net/old.c')
        self.tree.keep_state('linux', [])
        patcher = mock.patch('lib.mail.cover', return_value='net: two\n\nBecause.\n')
        patcher.start()
        self.addCleanup(patcher.stop)
        self.patch = Patch(self.top / 'some/0001-two.patch', PATCH)

    def export(self, patches: list[Patch], *names: str) -> list[Path]:
        return series.export(patches, OWN, self.tree, self.top / 'out', names)

    def test_one_of_several(self) -> None:
        second = Patch(self.top / 'later/0001-three.patch', SECOND)
        made = self.export([self.patch, second], 'later')
        self.assertEqual([path.relative_to(self.top / 'out').as_posix() for path in made],
                         ['later/0000-cover-letter.patch', 'later/0001-net-change-two.patch'])

    def test_git_am(self) -> None:
        patches = [self.patch]
        wanted = changes(patches, OWN, self.tree)
        made = self.export(patches)
        again = [path.read_bytes() for path in made]
        made = self.export(patches)
        self.assertEqual(again, [path.read_bytes() for path in made])

        self.assertEqual(len(made), 2)
        self.assertNotIn('Overlay', made[1].read_text(encoding='utf-8'))
        root = self.tree.root
        someone = ['-c', 'user.name=a', '-c', 'user.email=a@example.org']
        for argv in (['init', '-q'], ['add', '.'], ['commit', '-qmLinux'],
                     ['am', '-q', '--empty=drop', *made]):
            subprocess.run(['git', *someone, *argv], cwd=root, check=True)
        self.assertEqual({name: Content.of(root / name) for name in wanted}, wanted)
        said = subprocess.run(['git', 'log', '-1', '--format=%an %s'], cwd=root, check=True,
                              capture_output=True, text=True).stdout
        self.assertEqual(said, 'A net: change two\n')

    def main(self, own: dict[str, Content]) -> tuple[list[Path], str]:
        """Runs series.py on the source, with a cache in which nothing was prepared."""
        Content(MAKEFILE.encode()).put(self.tree.root / 'Makefile')
        said = StringIO()
        with mock.patch.dict(os.environ, {'LINUX_SRC': str(self.tree.root),
                                          'XDG_CACHE_HOME': str(self.top)}), \
                mock.patch('series.OUT', self.top / 'build/series'), \
                mock.patch('series.identity', return_value=PLACEHOLDER), \
                mock.patch('series.read_patches', return_value=[self.patch]), \
                mock.patch('series.tree.overlay', return_value=own), \
                mock.patch('sys.argv', ['series.py']), redirect_stderr(said):
            series.main()
        return sorted((self.top / 'build/series').rglob('*.patch')), said.getvalue()

    def test_an_end_that_is_not_what_is_built(self) -> None:
        wanted = changes([self.patch], OWN, self.tree) | {'net/new.rs': Content(b'newest\n')}
        with mock.patch('series.changes', return_value=wanted), \
                self.assertRaisesRegex(Failure, 'net/new.rs'):
            self.export([self.patch])

    def test_it_waits_for_nobody(self) -> None:
        (self.top / 'struct-ops-links').mkdir()
        with open(self.top / 'struct-ops-links/lock', 'w', encoding='utf-8') as held, \
                mock.patch('lib.lock.note', side_effect=AssertionError('it waits')):
            fcntl.flock(held, fcntl.LOCK_EX)
            made, said = self.main(OWN)
        self.assertEqual([path.name for path in made],
                         ['0000-cover-letter.patch', '0001-net-change-two.patch'])
        self.assertIn('2 mails in', said)
        self.assertIn("FROM='Name <mail>'", said)

    def test_a_file_that_upstream_has_is_not_brought(self) -> None:
        Content(b'theirs\n').put(self.tree.root / 'net/new.rs')
        with self.assertRaises(Failure):
            self.main(OWN)

    def test_apply_to(self) -> None:
        second = Patch(self.top / 'later/0002-three.patch', SECOND)
        folder = self.top / 'folder'
        for upto, count, text in (('some/0001', 1, 'one\nTWO\nthree\n'),
                                  ('', 2, 'one\nTWO\nTHREE\n')):
            self.assertEqual(series.apply_to(folder, [self.patch, second], OWN, self.tree, upto),
                             count)
            self.assertEqual((folder / 'net/old.c').read_text(encoding='utf-8'), text)
            self.assertEqual(Content.of(folder / 'net/newer.rs'), OWN['net/newer.rs'])
            shutil.rmtree(folder)

    def test_apply_to_a_patch_that_is_not_there(self) -> None:
        with self.assertRaises(Failure) as said:
            series.apply_to(self.top, [self.patch], OWN, self.tree, 'some/0002')
        self.assertIn('there are some/0001', str(said.exception))


if __name__ == '__main__':
    unittest.main()
