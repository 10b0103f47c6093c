# SPDX-License-Identifier: GPL-2.0-only
"""What a patch file says, in what order the series are read, and what applying one does."""

import tempfile
import unittest
from pathlib import Path

from lib.content import Content
from lib.errors import Failure
from lib.patches import Move, Patch, apply, read_patches
from tests.test_tree import PATCH, patch

MOVING = """From: A <a@example.org>
Subject: [PATCH] net: move two

Overlay:
 not/here
---
Kind: move
Move:
 net/a.c net/b.c
  two
  three
 net/a.c net/c.c
  one

diff --git a/net/b.c b/net/b.c
--- a/net/b.c
+++ b/net/b.c
@@ -1 +1,3 @@
+#include <a.h>
+
 int two;
"""


class PatchTest(unittest.TestCase):
    def test_parts(self) -> None:
        self.assertEqual(patch().overlay, ['net/new.rs', 'net/newer.rs'])
        self.assertEqual(patch().files, ['net/old.c'])
        self.assertEqual((patch().id, patch().series, patch().kind), ('some/0001', 'some', ''))

    def test_moves(self) -> None:
        moving = patch(MOVING)
        self.assertEqual(moving.moves, [Move('net/a.c', 'net/b.c', ('two', 'three')),
                                        Move('net/a.c', 'net/c.c', ('one',))])
        self.assertEqual(moving.files, ['net/a.c', 'net/b.c', 'net/c.c'])
        self.assertEqual((moving.kind, moving.overlay), ('move', []))

    def test_a_recipe_that_cannot_be_read(self) -> None:
        with self.assertRaises(Failure) as said:
            self.assertTrue(patch(MOVING.replace(' net/a.c net/c.c', ' net/c.c')).moves)
        self.assertIn('net/c.c', str(said.exception))

    def test_without_diff(self) -> None:
        bare = patch(PATCH.partition('\ndiff')[0] + '\n')
        self.assertEqual((bare.files, bare.sections), ([], {}))
        self.assertEqual(bare.overlay, ['net/new.rs', 'net/newer.rs'])


class FolderTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def put(self, name: str, text: str) -> None:
        Content(text.encode()).put(self.top / name)

    def refused(self, text: str = MOVING) -> str:
        with self.assertRaises(Failure) as said:
            apply(patch(text), self.top)
        return str(said.exception)

    def test_moves_come_before_the_diff(self) -> None:
        self.put('net/a.c', 'int one;\nint two;\nint three;\nint four;\n')
        apply(patch(MOVING), self.top)
        texts = {path.name: path.read_text(encoding='utf-8') for path in self.top.rglob('*.c')}
        self.assertEqual(texts, {'a.c': 'int four;\n', 'c.c': 'int one;\n',
                                 'b.c': '#include <a.h>\n\nint two;\nint three;\n'})

    def test_own_files_are_left_alone(self) -> None:
        self.put('net/old.c', 'one\n')
        apply(patch(), self.top, {'net/old.c'})
        self.assertEqual((self.top / 'net/old.c').read_text(encoding='utf-8'), 'one\n')

    def test_what_cannot_be_moved(self) -> None:
        self.assertIn('some/0001 moves code from net/a.c, which is not there', self.refused())
        self.put('net/a.c', 'int one;\nint two;\n')
        self.assertIn('net/a.c does not define three', self.refused())

    def series(self, *names: str, text: str = PATCH) -> list[str]:
        for name in names:
            self.put(f'patches/{name}', text)
        return [found.id for found in read_patches(self.top)]

    def test_the_order(self) -> None:
        self.put('patches/series', '# comment\nsecond\nfirst\n')
        self.assertEqual(self.series('first/0001-a.patch', 'second/0010-b.patch',
                                     'second/0002-c.patch', 'second/cover.txt',
                                     'other/0001-d.patch'),
                         ['second/0002', 'second/0010', 'first/0001'])

    def test_no_patch_is_left_out_in_silence(self) -> None:
        self.put('patches/series', 'first\n')
        for name, kind, said in (('first/1-a.patch', 'Kind: move', '1-a.patch is not named like'),
                                 ('first/0001-a.patch', 'Kind: moves', 'there are c, move'),
                                 ('first/0001-a.patch', 'Overlays:', 'cannot read .*Overlays:')):
            with self.assertRaisesRegex(Failure, said):
                self.series(name, text=MOVING.replace('Kind: move', kind))
            (self.top / 'patches' / name).unlink()

    def test_two_patches_of_one_number(self) -> None:
        self.put('patches/series', 'first\n')
        with self.assertRaisesRegex(Failure, 'first/0001 is the number of two patches'):
            self.series('first/0001-a.patch', 'first/0001-b.patch')

    def test_a_series_that_is_not_there(self) -> None:
        self.put('patches/series', 'first\n')
        with self.assertRaises(Failure) as said:
            self.series()
        self.assertIn('lists first', str(said.exception))

    def test_without_series(self) -> None:
        self.assertEqual(read_patches(self.top), [])
        self.assertEqual(Patch(Path('a/0001-b.patch'), '').files, [])


if __name__ == '__main__':
    unittest.main()
