# SPDX-License-Identifier: GPL-2.0-only
"""How the selftests are run, and which part of the results a failure is charged to."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import selftests
from lib.errors import Failure
from lib.results import Result
from lib.selftests.outcomes import Outcome

LIST = 'fails own/a is slow\nnot-run own/b is fatal\nnot-run absent/a is fatal\n'


class Report(unittest.TestCase):
    def test_what_is_not_ok_is_named(self) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            selftests.report([Outcome('a/1', 'OK'), Outcome('a/2', 'FAIL'), Outcome('a/3', 'SKIP'),
                              Outcome('b', 'FAIL', 'is slow')])
        self.assertEqual([line.strip() for line in out.getvalue().splitlines()],
                         ['FAILED a 1/3', 'a/2: FAIL', 'a/3: SKIP', 'ok     b 0/1',
                          'b: is slow'])


class Main(unittest.TestCase):
    """A run of upstream's test 'up' and the project's test 'own'."""

    def run_main(self, output: str, impl: str = 'rust', status: int = 0) -> int:
        self.kept: dict[str, Result] = {}
        self.script = ''
        tests = {False: mock.Mock(names=['up']), True: mock.Mock(names=['own'])}

        def guest(_impl: str, script: str, *, out: Path, **_: object) -> int:
            self.script = script
            out.write_text(output, encoding='utf-8')
            return status

        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.multiple(
                    selftests, Kernel=mock.Mock(
                        return_value=mock.Mock(impl=impl, src=Path(folder), key='key')),
                    lock=contextlib.nullcontext, LOG=Path(folder),
                    build=mock.Mock(return_value='/out'), find=lambda _, own: tests[own],
                    DIFFERENCES=Path(folder) / 'list'), \
                mock.patch('lib.results.write',
                           lambda result: self.kept.update({result.name: result})), \
                mock.patch('lib.vm.run', guest), \
                mock.patch('sys.argv', ['selftests.py', '--impl', impl]), \
                contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()):
            (Path(folder) / 'list').write_text(LIST, encoding='utf-8')
            try:
                selftests.main()
            except Failure:
                return 1
        return 0

    def cases(self, part: str) -> list[tuple[str, str]]:
        return [(case.name, case.verdict) for case in self.kept[f'selftests-{part}'].cases]

    def test_all_well(self) -> None:
        self.assertEqual(self.run_main('#1 up:OK\n#2 own:OK\n'), 0)
        self.assertEqual(self.cases('upstream-rust'), [('up', 'passed')])
        self.assertEqual(self.cases('own-rust'), [('own', 'passed')])
        self.assertNotIn('FORCE', self.script)
        self.assertEqual(self.kept['selftests-own-rust'].kernels, {'rust': 'key'})

    def test_a_skip_fails_the_part_that_the_test_is_of(self) -> None:
        self.assertEqual(self.run_main('#1/1 up/1:OK\n#1/2 up/2:SKIP\n#1 up:OK\n#2 own:OK\n'), 1)
        self.assertEqual(self.cases('upstream-rust'), [('up/1', 'passed'), ('up/2', 'failed')])
        self.assertEqual(self.cases('own-rust'), [('own', 'passed')])

    def test_a_test_that_left_no_line_is_a_failure(self) -> None:
        self.assertEqual(self.run_main('#1 up:OK\n'), 1)
        self.assertEqual(self.cases('own-rust'), [('own', 'failed')])

    def test_a_fault_of_the_guest_fails_each_part(self) -> None:
        self.assertEqual(self.run_main('#1 up:OK\n#2 own:OK\n', status=70), 1)
        for part, test in (('upstream-rust', 'up'), ('own-rust', 'own')):
            self.assertEqual(self.cases(part), [(test, 'passed'), ('guest', 'failed')])

    def test_own_tests_are_forced_to_run_on_c_and_fail_as_they_are_known_to(self) -> None:
        self.assertEqual(self.run_main('#1 up:OK\n#2/1 own/a:FAIL\n#2/2 own/c:OK\n#2 own:FAIL\n',
                                       'c'), 0)
        self.assertEqual(self.cases('own-c'),
                         [('own/a', 'skipped'), ('own/c', 'passed'), ('own/b', 'skipped')])
        self.assertIn(f'env {selftests.FORCE} ./test_progs', self.script)
        self.assertIn('-d none,own/b\n', self.script)

    def test_a_kernel_with_one_part_in_rust_may_skip_what_needs_the_other(self) -> None:
        self.assertEqual(self.run_main('#1 up:OK\n#2/1 own/a:SKIP\n#2 own:OK\n', 'links'), 0)
        self.assertEqual(self.cases('own-links'), [('own/a', 'skipped')])
        self.assertNotIn('FORCE', self.script)
        self.assertEqual(self.run_main('#1 up:OK\n#2/1 own/a:FAIL\n#2 own:FAIL\n', 'tcp'), 1)

    def test_no_failure_is_excused_on_rust(self) -> None:
        self.assertEqual(self.run_main('#1 up:OK\n#2/1 own/a:FAIL\n#2 own:FAIL\n'), 1)
        self.assertIn('-d none\n', self.script)


if __name__ == '__main__':
    unittest.main()
