# SPDX-License-Identifier: GPL-2.0-only
"""Tests of lib.selftests.comparison."""

import unittest

from lib.errors import Failure
from lib.selftests.comparison import NOT_RUN, Row, compare, reasons, stable, steps, table


class Comparison(unittest.TestCase):
    def test_pass(self) -> None:
        self.assertEqual(Row('a', 'OK', 'OK').case({}).verdict, 'passed')
        self.assertEqual(Row('a', 'text\nOK', 'text\nOK').case({}).verdict, 'passed')

    def test_difference(self) -> None:
        # Not even a known reason excuses one.
        for known in ({}, {'a': 'why'}):
            for c, rust in (('OK', 'FAIL'), ('FAIL', 'OK'), ('x\nOK', 'y\nOK')):
                self.assertEqual(Row('a', c, rust).case(known).verdict, 'failed')

    def test_both_fail(self) -> None:
        row = Row('a', 'text\nstatus 2', 'text\nstatus 2')
        self.assertEqual(row.case({}).verdict, 'failed')
        self.assertEqual(row.case({'a': 'why'}).verdict, 'skipped')
        self.assertEqual(row.case({'a': 'why'}).message, 'status 2 on both: why')

    def test_listed_but_passes(self) -> None:
        self.assertEqual(Row('a', 'OK', 'OK').case({'a': 'why'}).verdict, 'failed')

    def test_missing_on_one(self) -> None:
        self.assertEqual(compare({'a': 'OK'}, {'b': 'OK'}),
                         [Row('a', 'OK', NOT_RUN), Row('b', NOT_RUN, 'OK')])

    def test_reasons(self) -> None:
        self.assertEqual(reasons('# note\n\na/b  two words\n'), {'a/b': 'two words'})
        with self.assertRaises(Failure):
            reasons('a/b\n')

    def test_steps(self) -> None:
        self.assertEqual(steps('early\n== a\nx\nOK\n== b\nstatus 2\n'),
                         {'a': 'x\nOK', 'b': 'status 2'})

    def test_stable(self) -> None:
        self.assertEqual(stable('7: struct_ops  map 3\n'), 'ID: struct_ops  map 3')
        self.assertEqual(stable('map_id 12 pids bpftool(345)'), 'map_id ID pids bpftoolID')
        self.assertEqual(stable('"id": 4,'), '"id": ID,')

    def test_table(self) -> None:
        self.assertIn('| a | x\\|y<br>OK | FAIL |', table('s', [Row('a', 'x|y\nOK', 'FAIL')]))


if __name__ == '__main__':
    unittest.main()
