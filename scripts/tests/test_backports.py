# SPDX-License-Identifier: GPL-2.0-only
"""Patches on other kernels: what applies, what merges, and what has to say why not."""

import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from lib import backports
from lib.archive import Archive
from lib.backports import Verdict
from lib.content import Content
from lib.errors import Failure
from lib.patches import Patch

DIFF = """diff --git a/net/a.c b/net/a.c
--- a/net/a.c
+++ b/net/a.c
@@ -2,7 +2,7 @@
 one
 two
 three
-four
+FOUR
 five
 six
 seven
"""
OURS = 'zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n'
NOTE = 'Backports:\n 6.1 no such code: there is no four\n 6.12 by hand: it is called quatre\n'


class Files:
    """A kernel's files."""

    def __init__(self, text: str | None, version: str = '6.1.9') -> None:
        self.text, self.version = text, version

    def original(self, name: str) -> Content | None:
        return Content(self.text.encode()) if self.text and name == 'net/a.c' else None


def patch(notes: str = '', diff: str = DIFF) -> Patch:
    return Patch(Path('fixes/0001-a.patch'), f'Subject: a\n\n---\n{notes}\n{diff}')


class BackportsTest(unittest.TestCase):
    def check(self, text: str | None, *patches: Patch, version: str = '6.1.9') -> list[Verdict]:
        return backports.check(patches or [patch()], {'net/own.c'}, Files(OURS),
                               Files(text, version))    # type: ignore[arg-type]

    def test_as_it_is(self) -> None:
        self.assertEqual(self.check('new\n' + OURS), [Verdict('applies')])

    def test_by_a_merge(self) -> None:
        self.assertEqual(self.check(OURS.replace('one', 'eins')), [Verdict('merges')])

    def test_neither(self) -> None:
        for text in (OURS.replace('four', 'quatre'), None):
            self.assertEqual(self.check(text), [Verdict('DOES NOT APPLY', False, 'net/a.c')])

    def test_the_next_patch_is_judged_by_itself(self) -> None:
        second = patch(diff=DIFF.replace('-four\n+FOUR\n', ' FOUR\n').replace('-seven', '')
                       .replace(' six\n seven\n', '-six\n+SIX\n seven\n'))
        words = [verdict.word for verdict in
                 self.check(OURS.replace('four', 'quatre'), patch(), second)]
        self.assertEqual(words, ['DOES NOT APPLY', 'applies'])

    def test_a_reason(self) -> None:
        self.assertEqual(self.check(None, patch(NOTE)),
                         [Verdict('no such code', True, 'there is no four')])
        self.assertEqual(self.check(OURS.replace('four', 'quatre'), patch(NOTE), version='6.12.3'),
                         [Verdict('by hand', True, 'it is called quatre')])
        self.assertFalse(self.check(None, patch(NOTE), version='6.2.1')[0].good)

    def test_a_reason_that_is_none_any_more(self) -> None:
        verdict = self.check(OURS, patch(NOTE))[0]
        self.assertEqual((verdict.word, verdict.good), ('STALE NOTE', False))

    def test_a_reason_that_cannot_be_read(self) -> None:
        for line in ('6.1 it does not', 'by hand: it is old', '6.1 by hand:'):
            with self.assertRaisesRegex(Failure, 'cannot read'):
                self.check(OURS, patch(f'Backports:\n {line}\n'))

    def test_own_files(self) -> None:
        brings = patch('Overlay:\n net/own.c\n', '')
        self.assertEqual(self.check(OURS, brings), [Verdict('new files')])


class KernelsTest(unittest.TestCase):
    def test_trees_of_the_user(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            trees = [Path(folder, release) for release in ('6.12', '6.2')]
            for tree in trees:
                version, patchlevel = tree.name.split('.')
                Content(f'VERSION = {version}\nPATCHLEVEL = {patchlevel}\nSUBLEVEL = 3\n'.encode()
                        ).put(tree / 'Makefile')
            self.assertEqual([kernel.version for kernel in backports.kernels(trees, [])],
                             ['6.2.3', '6.12.3'])
            with self.assertRaisesRegex(Failure, 'gone is not there'):
                backports.kernels([Path(folder, 'gone')], [])


class FetchTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        (self.top / 'download').mkdir()
        for where in ('lib.backports.cache', 'lib.source.cache', 'lib.lock.cache'):
            patcher = mock.patch(where, return_value=self.top)
            patcher.start()
            self.addCleanup(patcher.stop)

    def fetch(self, *, online: bool) -> tuple[list[str], list[str]]:
        """The packages' names, and which of them were downloaded."""
        asked = []

        def download(_: Archive, package: str, folder: Path) -> Path:
            asked.append(package)
            return folder / f'{package.replace("=", "_")}_all.deb'

        with mock.patch('lib.archive.mirrors', return_value=['http://a.example']), \
                mock.patch.object(Archive, 'update', return_value=online), \
                mock.patch.object(Archive, 'download', download), \
                mock.patch.object(Archive, 'versions', return_value={
                    'linux-source-6.1': '6.1.9-1', 'linux-source-7.3': '7.3.4-1'}), \
                redirect_stderr(StringIO()):
            return [path.name for path in backports.fetch()], asked

    def test_all_but_the_one_of_the_series(self) -> None:
        name = 'linux-source-6.1_6.1.9-1_all.deb'
        self.assertEqual(self.fetch(online=True), ([name], ['linux-source-6.1=6.1.9-1']))
        (self.top / 'download' / name).touch()
        self.assertEqual(self.fetch(online=True), ([name], []))

    def test_without_network(self) -> None:
        with self.assertRaisesRegex(Failure, 'network'):
            self.fetch(online=False)
        for name in ('linux-source-6.1_6.1.8-1_all.deb', 'linux-source-6.1_6.1.9-1_all.deb',
                     'linux-source-7.3_7.3.4-1_all.deb'):
            (self.top / 'download' / name).touch()
        self.assertEqual(self.fetch(online=False), (['linux-source-6.1_6.1.9-1_all.deb'], []))


if __name__ == '__main__':
    unittest.main()
