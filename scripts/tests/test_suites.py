# SPDX-License-Identifier: GPL-2.0-only
"""A run of a suite on both kernels."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import suites
from lib.errors import Failure
from lib.results import Result
from lib.suites import ktap
from lib.suites.suite import Suite


class Main(unittest.TestCase):
    def run_main(self, c: str, rust: str, *, known: str = '', status: int = 0) -> int:
        self.scripts: dict[str, str] = {}
        self.kept: list[Result] = []
        output = {'c': c, 'rust': rust}
        suite = Suite(lambda _: Path('/out put'), lambda kernel: f'run {kernel.impl}',
                      ktap.verdicts, timeout=9)

        def guest(impl: str, script: str, *, out: Path, **_: object) -> int:
            self.scripts[impl] = script
            out.write_text(output[impl], encoding='utf-8')
            return status if impl == 'rust' else 0

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / 'known').write_text(known, encoding='utf-8')
            with mock.patch.multiple(
                    suites, SUITES={'some': suite}, LOG=folder, REPORT=folder / 'report.md',
                    KNOWN=folder / 'known', lock=contextlib.nullcontext,
                    Kernel=lambda impl: mock.Mock(impl=impl)), \
                    mock.patch('lib.results.write', self.kept.append), \
                    mock.patch('lib.vm.run', guest), \
                    mock.patch('sys.argv', ['suites.py', 'all']), \
                    contextlib.redirect_stdout(io.StringIO()), \
                    contextlib.redirect_stderr(io.StringIO()):
                try:
                    suites.main()
                except Failure:
                    return 1
        return 0

    def cases(self) -> list[tuple[str, str]]:
        return [(case.name, case.verdict) for case in self.kept[0].cases]

    def test_all_equal(self) -> None:
        text = '== a\nok 1 x\n== status 0\n'
        self.assertEqual(self.run_main(text, text), 0)
        self.assertEqual(self.cases(), [('a', 'passed'), ('a/x', 'passed')])
        self.assertEqual(self.scripts['rust'],
                         "exec 2>&1\ncd '/out put' || exit\nrun rust")

    def test_a_difference_fails(self) -> None:
        self.assertEqual(self.run_main('== a\nok 1 x\n== status 0\n',
                                       '== a\nnot ok 1 x\n== status 1\n',
                                       known='some  a/x  why\n'), 1)

    def test_what_fails_on_both_needs_a_reason(self) -> None:
        text = '== a\nok 1 x # SKIP\n== status 0\n'
        self.assertEqual(self.run_main(text, text), 1)
        self.assertEqual(self.run_main(text, text, known='some  a/x  why\n'), 0)
        self.assertEqual(self.run_main(text, text, known='some  *  why\nsome  b  why\n'), 1)

    def test_a_reason_names_a_suite(self) -> None:
        self.assertEqual(self.run_main('', '', known='sum  a/x  why\n'), 1)
        self.assertEqual(self.kept, [])

    def test_a_fault_of_a_guest_fails(self) -> None:
        text = '== a\nok 1 x\n== status 0\n'
        self.assertEqual(self.run_main(text, text, status=70), 1)
        self.assertIn(('guest', 'failed'), self.cases())

    def test_no_results_fail(self) -> None:
        self.assertEqual(self.run_main('Killed\n', 'Killed\n'), 1)


if __name__ == '__main__':
    unittest.main()
