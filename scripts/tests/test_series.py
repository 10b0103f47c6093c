# SPDX-License-Identifier: GPL-2.0-only
"""The exported series: git am makes of it what the prepared tree holds."""

import fcntl
import os
import subprocess
import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

import series
from lib.tree import Content, Patch, Tree
from tests.test_tree import MAKEFILE, PATCH

OWN = {'net/new.rs': Content(b'new\n'), 'net/newer.rs': Content(b'newer\n', True)}


class SeriesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.tree = Tree(self.top / 'linux')
        Content(b'one\ntwo\nthree\n').put(self.tree.root / 'net/old.c')
        self.tree.keep_state('linux', [])
        self.patch = Patch(self.top / '0001-two.patch', PATCH)

    def test_git_am(self) -> None:
        patches = [self.patch]
        wanted = self.tree.desired(OWN, patches)
        made = series.export(patches, OWN, self.tree, self.top / 'series')
        again = [path.read_bytes() for path in made]
        made = series.export(patches, OWN, self.tree, self.top / 'series')
        self.assertEqual(again, [path.read_bytes() for path in made])

        self.assertEqual(len(made), 1)
        self.assertNotIn('Overlay', made[0].read_text(encoding='utf-8'))
        root = self.tree.root
        for argv in (['init', '-q'], ['add', '.'],
                     ['-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qmLinux'],
                     ['-c', 'user.name=a', '-c', 'user.email=a@example.org', 'am', '-q', *made]):
            subprocess.run(['git', *argv], cwd=root, check=True)
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
                mock.patch('series.tree.series', return_value=[self.patch]), \
                mock.patch('series.tree.overlay', return_value=own), \
                mock.patch('sys.argv', ['series.py']), redirect_stderr(said):
            series.main()
        return sorted((self.top / 'build/series').iterdir()), said.getvalue()

    def test_it_waits_for_nobody(self) -> None:
        (self.top / 'struct-ops-links').mkdir()
        with open(self.top / 'struct-ops-links/lock', 'w', encoding='utf-8') as held, \
                mock.patch('lib.steps.note', side_effect=AssertionError('it waits')):
            fcntl.flock(held, fcntl.LOCK_EX)
            made, said = self.main(OWN)
        self.assertEqual([path.name for path in made], ['0001-net-change-two.patch'])
        self.assertIn('1 patches in', said)

    def test_a_file_that_upstream_has_is_not_brought(self) -> None:
        Content(b'theirs\n').put(self.tree.root / 'net/new.rs')
        with self.assertRaises(SystemExit):
            self.main(OWN)

    def test_what_no_patch_brings(self) -> None:
        own = OWN | {'net/more.rs': Content(b'')}
        self.assertEqual(series.unlisted([self.patch], own), ['net/more.rs'])

    def refused(self, patches: list[Patch], own: dict[str, Content]) -> str:
        said = StringIO()
        with redirect_stderr(said), self.assertRaises(SystemExit):
            series.unlisted(patches, own)
        return said.getvalue()

    def test_what_is_not_there(self) -> None:
        self.assertIn('net/newer.rs', self.refused([self.patch], {'net/new.rs': Content(b'')}))

    def test_what_two_patches_bring(self) -> None:
        self.assertIn('name it in one', self.refused([self.patch, self.patch], OWN))


if __name__ == '__main__':
    unittest.main()
