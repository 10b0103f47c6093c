# SPDX-License-Identifier: GPL-2.0-only
"""The sums of make test, and that nothing which did not run is taken for good."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import ccswap
import test as runner
from lib import results
from lib.results import Result

PART = runner.Part('part', ('part.py',), ('one', 'two'))


class ResultsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patcher = mock.patch('lib.results.RESULTS', Path(folder.name))
        patcher.start()
        self.addCleanup(patcher.stop)

    def test_written_and_read(self) -> None:
        result = Result('one', 3, 1, ['that one', 'another'], ['this one'])
        results.write(result)
        self.assertEqual(results.read('one'), result)

    def test_unreadable(self) -> None:
        self.assertIsNone(results.read('one'))
        results.path('one').write_text('{"name": "one"}', encoding='utf-8')
        self.assertIsNone(results.read('one'))
        results.path('one').write_text('{', encoding='utf-8')
        self.assertIsNone(results.read('one'))

    def test_last_line(self) -> None:
        self.assertEqual(results.last_line([Result('a', 3, 1, ['x']), Result('b', 4, 0)]),
                         '7 passed, 1 failed')

    def test_boots_made_again(self) -> None:
        results.forget_boots_again()
        self.assertEqual(results.boots_again(), [])
        results.count_boot_again(Path('a.log'))
        results.count_boot_again(Path('b.log'))
        self.assertEqual(results.boots_again(), ['a.log', 'b.log'])
        results.forget_boots_again()
        self.assertEqual(results.boots_again(), [])

    def sums(self, status: int) -> tuple[int, int]:
        found = runner.collect(PART, status)
        return sum(r.passed for r in found), sum(r.failed for r in found)

    def test_all_well(self) -> None:
        results.write(Result('one', 3, 0))
        results.write(Result('two', 4, 0))
        self.assertEqual(self.sums(0), (7, 0))

    def test_a_result_that_is_missing(self) -> None:
        results.write(Result('one', 3, 0))
        self.assertEqual(self.sums(0), (3, 1))

    def test_a_result_without_a_test(self) -> None:
        results.write(Result('one', 3, 0))
        results.write(Result('two', 0, 0, ['a', 'b']))
        self.assertEqual(self.sums(0), (3, 1))

    def test_a_status_that_the_counts_do_not_explain_is_of_the_command(self) -> None:
        results.write(Result('one', 3, 0))
        results.write(Result('two', 4, 0))
        self.assertEqual(self.sums(70), (7, 1))
        *found, last = runner.collect(PART, 70)
        self.assertEqual([(r.failed, r.failures) for r in found], [(0, []), (0, [])])
        self.assertEqual(last, Result('part.py', 0, 1, [], ['it ended with status 70']))

    def test_a_failure_is_counted_once(self) -> None:
        results.write(Result('one', 3, 2, [], ['a', 'b']))
        results.write(Result('two', 4, 0))
        self.assertEqual(self.sums(1), (7, 2))

    def test_the_table_names_what_did_not_pass_under_its_result(self) -> None:
        found = [Result('one', 3, 1, ['x'], ['a']), Result('two', 4, 0)]
        lines = runner.table([runner.Row('part', found, ['vm.log'], 62)]).splitlines()
        self.assertEqual([line.split() for line in lines[1:4]],
                         [['part', 'one', '3', '1', '1', '1:02'], ['FAILED', 'a'],
                          ['skipped', 'x']])
        self.assertEqual(lines[4].split(), ['two', '4', '0', '0'])
        self.assertIn('BOOTED AGAIN', lines[5])
        self.assertIn('vm.log', lines[5])


class ReportsTest(unittest.TestCase):
    def test_cargo(self) -> None:
        output = ('running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n'
                  'test result: FAILED. 5 passed; 1 failed; 3 ignored; 0 measured\n')
        self.assertEqual(ccswap.counts(output), (7, 1))
        self.assertEqual(ccswap.counts('error: could not compile'), (0, 0))

    def test_names_of_cargo(self) -> None:
        output = ('test cli::a ... ok\ntest cli::b ... FAILED\ntest cli::c ... ignored\n'
                  'test cli::d ... ignored, needs root\ntest src/a.rs - f (line 3) ... FAILED\n')
        self.assertEqual(ccswap.named(output, 'FAILED'), ['cli::b', 'src/a.rs - f (line 3)'])
        self.assertEqual(ccswap.named(output, 'ignored'), ['cli::c', 'cli::d'])

    def test_only_the_rust_kernel_is_held_to_the_guarantee(self) -> None:
        self.assertEqual(ccswap.promised('rust'), ['--guarantee'])
        self.assertEqual(ccswap.promised('c'), [])


if __name__ == '__main__':
    unittest.main()
