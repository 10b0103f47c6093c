# SPDX-License-Identifier: GPL-2.0-only
"""Own files in steps: each patch brings the version that the later ones start from."""

import unittest
from pathlib import Path

from lib.content import Content
from lib.errors import Failure
from lib.patches import Patch
from lib.versions import steps, unlisted

NAME = 'net/new.rs'


def change(old: str, new: str) -> str:
    return (f'diff --git a/{NAME} b/{NAME}\n--- a/{NAME}\n+++ b/{NAME}\n'
            f'@@ -1,3 +1,3 @@\n head\n-{old}\n+{new}\n tail\n')


def patch(number: int, overlay: str = '', diff: str = '') -> Patch:
    block = f'Overlay:\n {overlay}\n' if overlay else ''
    return Patch(Path(f'some/000{number}-a.patch'), f'Subject: a\n\n---\n{block}\n{diff}')


BRINGS = patch(1, NAME)
FIRST, SECOND = patch(2, '', change('one', 'two')), patch(3, '', change('two', 'three'))
OWN = {NAME: Content(b'head\nthree\ntail\n', True)}


class VersionsTest(unittest.TestCase):
    def refused(self, *patches: Patch) -> str:
        with self.assertRaises(Failure) as said:
            steps(patches, OWN)
        return str(said.exception)

    def test_steps(self) -> None:
        found = steps([BRINGS, FIRST, patch(4), SECOND], OWN)
        texts = [b'head\none\ntail\n', b'head\ntwo\ntail\n', None, b'head\nthree\ntail\n']
        self.assertEqual(found, [{NAME: Content(text, True)} if text else {} for text in texts])

    def test_a_change_that_cannot_be_taken_back(self) -> None:
        said = self.refused(BRINGS, SECOND, FIRST)
        self.assertIn(f'some/0002 makes to {NAME}', said)
        self.assertIn('error: ', said)

    def test_a_change_before_the_file(self) -> None:
        for patches in ([SECOND, BRINGS], [SECOND], [patch(1, NAME, change('two', 'three'))]):
            self.assertIn('no earlier patch brings', self.refused(*patches))

    def test_what_is_brought_twice_or_is_not_there(self) -> None:
        self.assertIn('some/0001 and some/0002', self.refused(BRINGS, patch(2, NAME)))
        self.assertIn('net/gone.rs, which is not', self.refused(patch(1, 'net/gone.rs')))

    def test_what_no_patch_brings(self) -> None:
        own = OWN | {'net/more.rs': Content(b'')}
        self.assertEqual(unlisted([BRINGS], own), ['net/more.rs'])


if __name__ == '__main__':
    unittest.main()
