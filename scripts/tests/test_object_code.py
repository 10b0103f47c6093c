# SPDX-License-Identifier: GPL-2.0-only
"""Objects are compared by what the kernel runs, and by nothing else."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from lib import object_code
from lib.toolchain import LLVM

SOURCE = """
extern int other(int);
static int __UNIQUE_ID_a_7 __attribute__((used)) = 1;
static int line __attribute__((used, section("__bug_table"))) = __LINE__;
int first(int x) { return other(x) + 1; }
int table[] = { 1, 2 };
const char name[] = "name";
"""


class ObjectCodeTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)

    def compiled(self, text: str, *options: str, name: str = 'a') -> Path:
        (self.top / f'{name}.c').write_text(text, encoding='utf-8')
        subprocess.run([LLVM / 'clang', '-O2', '-g', *options, '-c', f'{name}.c'], cwd=self.top,
                       check=True)
        return self.top / f'{name}.o'

    def test_noise(self) -> None:
        digest = object_code.digest(self.compiled(SOURCE))
        for text, name in ((SOURCE, 'b'), ('\n\n' + SOURCE, 'a'),
                           (SOURCE.replace('_a_7', '_a_12'), 'a')):
            self.assertEqual(object_code.digest(self.compiled(text, name=name)), digest)

    def test_what_counts(self) -> None:
        digest = object_code.digest(self.compiled(SOURCE))
        for old, now in (('+ 1', '+ 2'), ('other', 'another'), ('{ 1, 2 }', '{ 1, 3 }'),
                         ('"name"', '"game"'), ('int first', 'static int first'),
                         ('int first', 'int zero[9]; int first')):
            changed = SOURCE.replace(old, now)
            self.assertNotEqual(object_code.digest(self.compiled(changed)), digest, now)

    def test_symbols(self) -> None:
        path = self.compiled(SOURCE)
        self.assertEqual(object_code.symbols(path), ({'first', 'table', 'name'}, {'other'}))

    def test_an_empty_object(self) -> None:
        self.assertEqual(object_code.code(self.compiled('')), '')


if __name__ == '__main__':
    unittest.main()
