# SPDX-License-Identifier: GPL-2.0-only
"""The sums of make test, and that nothing which did not run is taken for good."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import ccswap
import run_kunit
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
        results.write('one', 3, 1, 2, ['that one'])
        self.assertEqual(results.read('one'), Result('one', 3, 1, 2, ['that one']))

    def test_unreadable(self) -> None:
        self.assertIsNone(results.read('one'))
        results.path('one').write_text('{"name": "one"}', encoding='utf-8')
        self.assertIsNone(results.read('one'))
        results.path('one').write_text('{', encoding='utf-8')
        self.assertIsNone(results.read('one'))

    def test_last_line(self) -> None:
        self.assertEqual(results.last_line([Result('a', 3, 1, 2, []), Result('b', 4, 0, 0, [])]),
                         '7 passed, 1 failed')

    def sums(self, status: int) -> tuple[int, int]:
        found = runner.collect(PART, status)
        return sum(r.passed for r in found), sum(r.failed for r in found)

    def test_all_well(self) -> None:
        results.write('one', 3, 0)
        results.write('two', 4, 0)
        self.assertEqual(self.sums(0), (7, 0))

    def test_a_result_that_is_missing(self) -> None:
        results.write('one', 3, 0)
        self.assertEqual(self.sums(0), (3, 1))

    def test_a_result_without_a_test(self) -> None:
        results.write('one', 3, 0)
        results.write('two', 0, 0, 5)
        self.assertEqual(self.sums(0), (3, 1))

    def test_a_status_that_the_counts_do_not_explain(self) -> None:
        results.write('one', 3, 0)
        results.write('two', 4, 0)
        self.assertEqual(self.sums(70), (7, 1))

    def test_a_failure_is_counted_once(self) -> None:
        results.write('one', 3, 2, 0, ['a', 'b'])
        results.write('two', 4, 0)
        self.assertEqual(self.sums(1), (7, 2))


class ReportsTest(unittest.TestCase):
    def test_cargo(self) -> None:
        output = ('running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n'
                  'test result: FAILED. 5 passed; 1 failed; 3 ignored; 0 measured\n')
        self.assertEqual(ccswap.counts(output), (7, 1, 3))
        self.assertEqual(ccswap.counts('error: could not compile'), (0, 0, 0))

    def test_kunit(self) -> None:
        group = {'test_cases': [{'name': 'a', 'status': 'PASS'}], 'sub_groups': [
            {'name': 'suite', 'sub_groups': [],
             'test_cases': [{'name': 'b', 'status': 'ERROR'}, {'name': 'c', 'status': 'SKIP'}]}]}
        self.assertEqual(list(run_kunit.cases(group)),
                         [('a', 'PASS'), ('suite.b', 'ERROR'), ('suite.c', 'SKIP')])


if __name__ == '__main__':
    unittest.main()
