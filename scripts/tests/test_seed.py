# SPDX-License-Identifier: GPL-2.0-only
"""What a build folder takes along from another one."""

import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from lib.content import Content
from lib.seed import NO_KERNEL, seed

FILES = ('stamp', 'image', 'vmlinux', '.config', 'net/a.o', 'rust/core.o', 'rust/doc/index.html',
         'tools/objtool/objtool', 'include/generated/autoconf.h')


class SeedTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        self.old, self.new = self.top / 'build-rust', self.top / 'build-c'
        for name in FILES:
            Content(b'').put(self.old / name)

    def seed(self, *only: str) -> set[str]:
        with mock.patch('lib.seed.LOG', self.top / 'log'), redirect_stderr(StringIO()):
            seed('c', self.old, self.new, only)
        return {str(path.relative_to(self.new)) for path in self.new.rglob('*') if path.is_file()}

    def test_a_kernel_takes_all_but_results(self) -> None:
        self.assertEqual(self.seed(), set(FILES) - {'stamp', 'image'})

    def test_the_checkers_take_no_objects_of_the_kernel(self) -> None:
        self.assertEqual(self.seed(*NO_KERNEL),
                         set(FILES) - {'stamp', 'image', 'vmlinux', 'net/a.o'})

    def test_what_was_in_its_place_is_gone(self) -> None:
        Content(b'').put(self.new / 'half/a.o')
        self.assertNotIn('half/a.o', self.seed())

    def test_records_of_commands_name_the_new_place(self) -> None:
        Content(f'OBJTREE={self.old} rustc -o {self.old}/a.o {self.old}-2/b.o'.encode()).put(
            self.old / 'rust/.core.o.cmd')
        self.seed()
        self.assertEqual((self.new / 'rust/.core.o.cmd').read_text(encoding='utf-8'),
                         f'OBJTREE={self.new} rustc -o {self.new}/a.o {self.old}-2/b.o')


if __name__ == '__main__':
    unittest.main()
