# SPDX-License-Identifier: GPL-2.0-only
"""checkpatch is asked about each patch, and what it says is heard."""

import tempfile
import unittest
from pathlib import Path

from lib import checkpatch
from lib.content import Content
from lib.errors import Failure
from lib.patches import Patch
from lib.tree import Tree
from tests.test_tree import OWN, PATCH

SCRIPT = r'''
my $mail = pop @ARGV;
open my $file, '<', $mail;
while (<$file>) {
    die "broken\n" if /BROKEN/;
    print "net/old.c:2: CHECK:TYPO: $1\n" if /^\+(TWO)/;
    print "net/new.rs:1: WARNING:LONG_LINE: long\n" if /^\+new/;
}
exit 1;
'''


class CheckpatchTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.linux = Tree(Path(folder.name, 'linux'))
        for name in checkpatch.FILES:
            Content(SCRIPT.encode()).put(self.linux.root / name)
        Content(b'one\ntwo\nthree\n').put(self.linux.root / 'net/old.c')
        self.linux.keep_state('linux', [])

    def of(self, *texts: str) -> dict[str, list[str]]:
        return checkpatch.of_series([Patch(Path(f'some/000{number}-a.patch'), text)
                                     for number, text in enumerate(texts, 1)], OWN, self.linux)

    def test_each_patch(self) -> None:
        second = PATCH.partition('Overlay')[0] + PATCH[PATCH.index('\ndiff'):].replace(
            'TWO', 'DEUX').replace('-two', '-TWO')
        self.assertEqual(self.of(PATCH, second), {
            'some/0001': ['net/old.c:2: CHECK:TYPO: TWO'], 'some/0002': []})

    def test_checkpatch_that_fails(self) -> None:
        with self.assertRaisesRegex(Failure, 'broken'):
            self.of(PATCH.replace('TWO', 'BROKEN'))

    def test_code_that_moves(self) -> None:
        moving = Patch(Path('some/0001-a.patch'),
                       'Subject: a\n\n---\nMove:\n net/a.c net/b.c\n  f\n')
        for name, moved in {'net/a.c': False, 'net/b.c': True}.items():
            self.assertEqual(checkpatch.moved(f'{name}:1: CHECK:TYPO: x', moving), moved)

    def test_excuses(self) -> None:
        for complaint, excused in {
                'net/a.rs:1: WARNING:LONG_LINE: x': True, 'net/a.c:1: WARNING:LONG_LINE: x': False,
                'net/a.rs:1: WARNING:TYPO_SPELLING: x': False, 'a line without a type': False,
                ':7: WARNING:UNKNOWN_COMMIT_ID: x': True}.items():
            self.assertEqual(checkpatch.excused(complaint), excused, complaint)


if __name__ == '__main__':
    unittest.main()
