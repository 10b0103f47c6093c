# SPDX-License-Identifier: GPL-2.0-only
"""The prepared tree: what is written, what goes back, what is refused."""

import subprocess
import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from lib import tree
from lib.content import Content
from lib.errors import Failure
from lib.patches import Patch
from lib.source import Source
from lib.tree import Tree

MAKEFILE = 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n'
PATCH = """From: A <a@example.org>
Subject: [PATCH] net: change two

---
Overlay:
 net/new.rs
 net/newer.rs

diff --git a/net/old.c b/net/old.c
--- a/net/old.c
+++ b/net/old.c
@@ -1,3 +1,3 @@
 one
-two
+TWO
 three
"""
# The files that it brings, and what another patch changes after it.
OWN = {'net/new.rs': Content(b'new\n'), 'net/newer.rs': Content(b'newer\n', True)}
MORE = """
diff --git a/net/old.c b/net/old.c
--- a/net/old.c
+++ b/net/old.c
@@ -1,3 +1,3 @@
 one
 TWO
-three
+THREE
"""


def patch(text: str = PATCH) -> Patch:
    return Patch(Path('some/0001-two.patch'), text)


class TreeTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.source = self.top / 'source'
        for name, text in {'Makefile': MAKEFILE, 'net/old.c': 'one\ntwo\nthree\n',
                           'net/other.c': 'other\n'}.items():
            Content(text.encode()).put(self.source / name)
        self.tree = Tree(self.top / 'linux')
        with redirect_stderr(StringIO()), mock.patch('lib.tree.LOG', self.top):
            self.tree.copy_source(Source(self.source, 'first'))

    def read(self, name: str) -> str:
        return (self.tree.root / name).read_text(encoding='utf-8')

    def prepare(self, own: dict[str, str], *patches: Patch) -> list[str]:
        contents = {name: Content(text.encode()) for name, text in own.items()}
        return self.tree.change(tree.changes(patches, contents, self.tree))

    def refused(self, own: dict[str, str], *patches: Patch) -> str:
        with self.assertRaises(Failure) as said:
            self.prepare(own, *patches)
        return str(said.exception)

    def test_overlay_and_patch(self) -> None:
        self.assertEqual(self.prepare({'net/new.rs': 'new'}, patch()),
                         ['net/new.rs', 'net/old.c'])
        self.assertEqual(self.read('net/old.c'), 'one\nTWO\nthree\n')
        self.assertEqual(self.read('net/new.rs'), 'new')

    def test_only_changed_files_are_written(self) -> None:
        self.prepare({'net/new.rs': 'new'}, patch())
        before = (self.tree.root / 'net/old.c').stat().st_mtime_ns
        self.assertEqual(self.prepare({'net/new.rs': 'newer'}, patch()), ['net/new.rs'])
        self.assertEqual((self.tree.root / 'net/old.c').stat().st_mtime_ns, before)
        self.assertEqual(self.prepare({'net/new.rs': 'newer'}, patch()), [])

    def test_goes_back_to_the_original(self) -> None:
        self.prepare({'net/new.rs': 'new'}, patch())
        self.assertEqual(self.prepare({}), ['net/new.rs', 'net/old.c'])
        self.assertEqual(self.read('net/old.c'), 'one\ntwo\nthree\n')
        self.assertFalse((self.tree.root / 'net/new.rs').exists())
        self.assertEqual(self.tree.state(), ('first', []))

    def test_patch_that_does_not_apply_changes_nothing(self) -> None:
        self.prepare({'net/new.rs': 'new'}, patch())
        stale = patch(PATCH.replace('-two', '-zwei'))
        said = self.refused({'net/new.rs': 'newer'}, stale)
        self.assertIn('some/0001 does not apply to net/old.c', said)
        self.assertEqual(self.read('net/old.c'), 'one\nTWO\nthree\n')
        self.assertEqual(self.read('net/new.rs'), 'new')

    def test_patch_of_a_file_that_is_not_there(self) -> None:
        self.assertIn('net/gone.c', self.refused({}, patch(PATCH.replace('old.c', 'gone.c'))))

    def test_patch_upon_patch(self) -> None:
        second = patch(PATCH.replace('+TWO', '+deux').replace('-two', '-TWO'))
        self.prepare({}, patch(), second)
        self.assertEqual(self.read('net/old.c'), 'one\ndeux\nthree\n')

    def test_overlay_may_not_hide_a_file_of_upstream(self) -> None:
        self.assertIn('net/other.c', self.refused({'net/other.c': 'mine'}))
        self.assertEqual(self.read('net/other.c'), 'other\n')

    def test_a_run_that_was_cut_short_is_made_good(self) -> None:
        put = Content.put

        def put_half(content: Content, path: Path) -> None:
            put(content, path)
            if path.is_relative_to(self.tree.root):
                path.write_text('half', encoding='utf-8')
                raise KeyboardInterrupt

        with mock.patch.object(Content, 'put', put_half), self.assertRaises(KeyboardInterrupt):
            self.prepare({'net/new.rs': 'new'}, patch())
        self.prepare({'net/new.rs': 'new'}, patch())
        self.assertEqual(self.read('net/new.rs'), 'new')
        self.assertEqual(self.read('net/old.c'), 'one\nTWO\nthree\n')
        self.prepare({})
        self.assertFalse((self.tree.root / 'net/new.rs').exists())
        self.assertEqual(self.read('net/old.c'), 'one\ntwo\nthree\n')

    def test_another_source_keeps_the_build_folders(self) -> None:
        self.prepare({'net/new.rs': 'new'}, patch())
        Content(b'object').put(self.tree.root / 'build-rust/object')
        unchanged = self.tree.root / 'net/other.c'
        before = unchanged.stat().st_mtime_ns
        (self.source / 'Makefile').write_text(MAKEFILE.replace('4', '5'), encoding='utf-8')
        with redirect_stderr(StringIO()), mock.patch('lib.tree.LOG', self.top):
            self.tree.copy_source(Source(self.source, 'second'))
        self.assertIn('SUBLEVEL = 5', self.read('Makefile'))
        self.assertTrue((self.tree.root / 'build-rust/object').exists())
        self.assertFalse((self.tree.root / 'net/new.rs').exists())
        self.assertEqual(unchanged.stat().st_mtime_ns, before)
        self.assertEqual(self.read('net/old.c'), 'one\ntwo\nthree\n')


class OverlayTest(unittest.TestCase):
    def test_what_git_lists(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            subprocess.run(['git', 'init', '-q', top], check=True)
            for name in ('net/a.rs', 'net/b.o', 'scripts/c.py', 'tools/d.sh'):
                Content(b'', name.endswith('.sh')).put(top / name)
            (top / '.gitignore').write_text('*.o\n', encoding='utf-8')
            found = tree.overlay(top)
            self.assertEqual(sorted(found), ['net/a.rs', 'tools/d.sh'])
            self.assertTrue(found['tools/d.sh'].executable)
            self.assertFalse(found['net/a.rs'].executable)


if __name__ == '__main__':
    unittest.main()
