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
    def run_main(self, c: str, rust: str, *later: str, known: str = '', status: int = 0,
                 last: bool = False) -> int:
        """A run whose later rounds print the same in C, and what is given in Rust."""
        self.scripts: dict[str, str] = {}
        self.kept: list[Result] = []
        self.ensured: list[str] = []
        rounds = {'c': [c] * (1 + len(later)), 'rust': [rust, *later]}
        suite = Suite(lambda _: Path('/out put'),
                      lambda kernel, only: ' '.join(['run', kernel.impl, *only]),
                      ktap.verdicts, timeout=9)

        def guest(impl: str, script: str, *, out: Path, build: bool, **_: object) -> int:
            self.assertFalse(build)
            self.assertEqual(self.ensured, [] if last else ['c', 'rust'])
            self.scripts[impl] = script
            out.write_text(rounds[impl].pop(0), encoding='utf-8')
            return status if impl == 'rust' else 0

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / 'known').write_text(known, encoding='utf-8')
            with mock.patch.multiple(
                    suites, SUITES={'some': suite}, LOG=folder, REPORT=folder / 'report.md',
                    KNOWN=folder / 'known', lock=contextlib.nullcontext,
                    Kernel=lambda impl: mock.Mock(impl=impl), keys=lambda impls: {
                        impl: f'key-of-{impl}' for impl in impls},
                    ensure=lambda kernel: self.ensured.append(kernel.impl)), \
                    mock.patch('lib.results.write', self.kept.append), \
                    mock.patch('lib.vm.run', guest), \
                    mock.patch('sys.argv', ['suites.py', 'all', *(['--last'] if last else [])]), \
                    contextlib.redirect_stdout(io.StringIO()), \
                    contextlib.redirect_stderr(io.StringIO()):
                try:
                    suites.main()
                    self.report = (folder / 'report.md').read_text(encoding='utf-8')
                except Failure:
                    return 1
        self.assertEqual(rounds, {'c': [], 'rust': []})
        return 0

    def cases(self) -> list[tuple[str, str]]:
        return [(case.name, case.verdict) for case in self.kept[0].cases]

    def test_all_equal(self) -> None:
        text = '== a\nok 1 x\n== status 0\n'
        self.assertEqual(self.run_main(text, text), 0)
        self.assertEqual(self.cases(), [('a', 'passed'), ('a/x', 'passed')])
        self.assertEqual(self.scripts['rust'],
                         "exec 2>&1\ncd '/out put' || exit\nrun rust")

    def test_the_kernels_are_named(self) -> None:
        text = '== a\nok 1 x\n== status 0\n'
        self.assertEqual(self.run_main(text, text, last=True), 0)
        self.assertIn('kernel-rust: key-of-rust\n', self.report)
        self.assertEqual(self.kept[0].kernels, {'c': 'key-of-c', 'rust': 'key-of-rust'})

    def test_more_tries_in_rust_fail_if_they_repeat(self) -> None:
        good = '== a\nok 1 x\n== status 0\n== b\n== status 0\n'
        late = f'== a\nnot ok 1 x\n== status 1\n{good}'
        self.assertEqual(self.run_main(good, late, good), 0)
        self.assertEqual(self.scripts['rust'].splitlines()[-1], 'run rust a')
        self.assertIn('| a/x | OK | OK, 1 of 2 tries failed |', self.report)
        self.assertEqual(self.run_main(good, late, late, good), 0)
        self.assertEqual(self.run_main(good, late, late, late), 1)
        self.assertEqual(self.cases(), [('a', 'failed'), ('a/x', 'failed'), ('b', 'passed')])
        # As many tries in C are no reason to look again, nor are more of them.
        self.assertEqual(self.run_main(late, late), 0)
        self.assertEqual(self.run_main(late, good), 0)

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
