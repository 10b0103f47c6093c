# SPDX-License-Identifier: GPL-2.0-only
"""Which complaints are the project's, and that none of them is lost."""

import contextlib
import io
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import lint
from lib.content import Content
from lib.errors import Failure
from lib.lint import files, kernel
from lib.lint.ours import Ours
from lib.results import Result

CLANG = '../net/ipv4/tcp_cong.c:{}:5: warning: unused variable [-Wunused-variable]\n'
RUSTC = 'warning: field is never read\n  --> ../{}:7:5\n   |\n'


class OursTest(unittest.TestCase):
    def setUp(self) -> None:
        self.ours = Ours({'net/ipv4/tcp_cong.c': Content(b'one\nTWO\nthree\nfour\n'),
                          'net/ipv4/cong.rs': Content(b'new\n'), 'net/gone.c': None},
                         lambda name: Content(b'one\ntwo\nthree\n') if name.endswith('.c')
                         else None)

    def test_only_added_lines_of_files_of_upstream(self) -> None:
        self.assertEqual(self.ours.complaints(''.join(map(CLANG.format, range(1, 5)))), [
            'net/ipv4/tcp_cong.c:2: unused variable [-Wunused-variable]',
            'net/ipv4/tcp_cong.c:4: unused variable [-Wunused-variable]'])

    def test_every_line_of_our_own(self) -> None:
        self.assertEqual(self.ours.complaints(RUSTC.format('net/ipv4/cong.rs')),
                         ['net/ipv4/cong.rs:7: field is never read'])

    def test_nothing_else(self) -> None:
        self.assertEqual(self.ours.complaints(RUSTC.format('rust/kernel/lib.rs')), [])


class FilesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name)
        subprocess.run(['git', 'init', '-q', self.top], check=True)
        patcher = mock.patch.object(files, 'TOP', self.top)
        patcher.start()
        self.addCleanup(patcher.stop)

    def test_each_file_says_its_licence_but_what_a_tool_writes(self) -> None:
        for name, text in {'a.py': '# SPDX-License-Identifier: GPL-2.0-only\n', 'b.py': '# GPL\n',
                           'Cargo.lock': '', 'c.patch': '', '.gitignore': 'ignored\n',
                           'ignored': ''}.items():
            (self.top / name).write_text(text, encoding='utf-8')
        self.assertEqual([line.partition(':')[0] for line in files.licence()],
                         ['.gitignore', 'b.py'])

    def test_a_checker_is_heard_when_it_fails(self) -> None:
        self.assertEqual(files.complaints(['sh', '-c', 'echo a; echo b >&2; exit 1']), ['a', 'b'])
        self.assertEqual(files.complaints(['sh', '-c', 'echo all is well']), [])

    def test_a_checker_that_is_not_installed_is_no_clean_result(self) -> None:
        with self.assertRaises(Failure):
            files.complaints([self.top / 'absent'])


class UnlessCleanTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.key, self.ran = 'first', 0
        for patcher in (mock.patch('lib.tree.prepare'),
                        mock.patch.object(kernel, 'Kernel', return_value=mock.Mock(
                            obj=Path(folder.name), wanted_key=lambda _: self.key))):
            patcher.start()
            self.addCleanup(patcher.stop)

    def check(self, *found: str) -> list[str]:
        def find() -> list[str]:
            self.ran += 1
            return list(found)

        return kernel.unless_clean('clippy', find)

    def test_what_was_clean_is_not_checked_again(self) -> None:
        self.assertEqual((self.check(), self.check('a complaint'), self.ran), ([], [], 1))

    def test_what_has_changed_is(self) -> None:
        self.check()
        self.key = 'second'
        self.assertEqual(self.check('a complaint'), ['a complaint'])
        self.key = 'first'
        self.assertEqual(self.check('a complaint'), ['a complaint'])

    def test_what_was_not_clean_is(self) -> None:
        self.check('a complaint')
        self.assertEqual(self.check('a complaint'), ['a complaint'])


class MainTest(unittest.TestCase):
    def run_main(self, *chosen: str) -> int:
        self.kept: list[Result] = []
        with mock.patch.dict(lint.CHECKS, {'good': list, 'bad': lambda: ['this', 'that']},
                             clear=True), \
                mock.patch('sys.argv', ['lint.py', *chosen]), \
                mock.patch('lib.results.write', self.kept.append), \
                contextlib.redirect_stdout(io.StringIO()) as said:
            try:
                lint.main()
                return 0
            except Failure:
                return 1
            finally:
                self.said = said.getvalue()

    def test_a_complaint_fails_and_is_printed(self) -> None:
        self.assertEqual(self.run_main(), 1)
        self.assertIn('bad: that\n', self.said)
        self.assertEqual([(case.name, case.verdict) for case in self.kept[0].cases],
                         [('good', 'passed'), ('bad', 'failed')])

    def test_a_choice_of_checks_is_no_result(self) -> None:
        self.assertEqual(self.run_main('good'), 0)
        self.assertEqual(self.kept, [])


if __name__ == '__main__':
    unittest.main()
