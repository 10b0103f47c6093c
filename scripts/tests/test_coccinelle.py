# SPDX-License-Identifier: GPL-2.0-only
"""Semantic patches that report are run with their options, and heard about what is ours."""

import subprocess
import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from lib import coccinelle
from lib.content import Content
from lib.lint.ours import Ours

RULES = {'free/a.cocci': '// Options: --no-includes --include-headers\nvirtual patch\n'
                         'virtual report\n',
         'free/b.cocci': 'virtual org, report\n', 'free/c.cocci': 'virtual patch\n'}
REPORT = ('net/a.c:1:2-3: WARNING: old\nnet/a.c:2:2-3: WARNING: new\n'
          'net/b.c:1:2-3: WARNING: theirs\nsome other line\n')


class CoccinelleTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.src = Path(folder.name)
        for name, text in RULES.items():
            Content(text.encode()).put(self.src / 'scripts/coccinelle' / name)
        old = Content(b'one\n')
        self.ours = Ours({'net/a.c': Content(b'one\ntwo\n')}, {'net/a.c': old}.get)
        self.ran: list[list[str]] = []

    def complaints(self, **outcome: object) -> list[str]:
        def run(argv: list[str | Path], **_: object) -> subprocess.CompletedProcess[str]:
            self.ran.append([str(arg) for arg in argv])
            if 'side_effect' in outcome:
                raise subprocess.TimeoutExpired('spatch', 1)
            return subprocess.CompletedProcess([], 0, stdout=REPORT)

        with mock.patch('subprocess.run', run), redirect_stderr(StringIO()):
            return coccinelle.complaints(self.src, self.ours, ['net/a.c'], 'some')

    def test_what_is_ours(self) -> None:
        self.assertEqual(self.complaints(), ['net/a.c:2: WARNING: new'])
        self.assertEqual([Path(argv[argv.index('--sp-file') + 1]).name for argv in self.ran],
                         ['a.cocci', 'b.cocci'])
        self.assertIn('--no-includes', self.ran[0])
        self.assertNotIn('--no-includes', self.ran[1])

    def test_one_that_does_not_end_is_told(self) -> None:
        said = self.complaints(side_effect=True)
        self.assertEqual(len(said), 2)
        self.assertIn('scripts/coccinelle/free/a.cocci took longer', said[0])


if __name__ == '__main__':
    unittest.main()
