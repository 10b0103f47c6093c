# SPDX-License-Identifier: GPL-2.0-only
"""How the results of two kernels are compared, and what excuses a failure on both."""

import unittest

import suites
from lib.errors import Failure
from lib.selftests.sources import read
from lib.suites.comparison import (
    KNOWN,
    NOT_RUN,
    Known,
    Row,
    cases,
    compare,
    judge,
    read_known,
    table,
)
from lib.suites.steps import stable, steps

WHY = [Known('s', 'a*', 'why')]


class Comparison(unittest.TestCase):
    def test_pass(self) -> None:
        self.assertEqual(judge(Row('a', 'OK', 'OK'), []).verdict, 'passed')
        self.assertEqual(judge(Row('a', 'text\nOK', 'text\nOK'), []).verdict, 'passed')

    def test_difference(self) -> None:
        # Not even a known reason excuses one.
        for known in ([], WHY):
            for c, rust in (('OK', 'FAIL'), ('FAIL', 'OK'), ('x\nOK', 'y\nOK'), ('OK', NOT_RUN)):
                self.assertEqual(judge(Row('a', c, rust), known).verdict, 'failed')

    def test_both_fail(self) -> None:
        row = Row('a/b', 'text\nstatus 2', 'text\nstatus 2')
        self.assertEqual(judge(row, []).verdict, 'failed')
        self.assertEqual(judge(row, [Known('s', 'b', 'why')]).verdict, 'failed')
        self.assertEqual(judge(row, WHY).verdict, 'skipped')
        self.assertEqual(judge(row, WHY).message, 'status 2 on both: why')

    def test_listed_but_nothing_fails(self) -> None:
        for rows in ([Row('a', 'OK', 'OK')], [Row('a', 'OK', 'FAIL')], []):
            self.assertEqual(cases(rows, WHY)[-1].verdict, 'failed')
            self.assertEqual(cases(rows, WHY)[-1].name, 'a*')
        self.assertEqual(len(cases([Row('a', 'OK', 'OK'), Row('ab', 'FAIL', 'FAIL')], WHY)), 2)

    def test_missing_on_one(self) -> None:
        self.assertEqual(compare({'a': 'OK'}, {'b': 'OK'}),
                         [Row('a', 'OK', NOT_RUN), Row('b', NOT_RUN, 'OK')])

    def test_table(self) -> None:
        self.assertIn('| a | x\\|y<br>OK | FAIL |', table('s', [Row('a', 'x|y\nOK', 'FAIL')]))


class ListOfKnown(unittest.TestCase):
    def test_entries(self) -> None:
        self.assertEqual(read_known('# note\n\ns  a/b c  two words\n'),
                         [Known('s', 'a/b c', 'two words')])
        for line in ('s a/b why\n', 's  a/b\n'):
            with self.subTest(line), self.assertRaises(Failure):
                read_known(line)

    def test_the_list_is_well_formed_and_names_suites(self) -> None:
        for entry in read_known(read(KNOWN)):
            self.assertIn(entry.suite, suites.SUITES)


class Steps(unittest.TestCase):
    def test_steps(self) -> None:
        self.assertEqual(steps('early\n== a\nx\nOK\n== b\nstatus 2\n'),
                         {'a': 'x\nOK', 'b': 'status 2'})

    def test_stable(self) -> None:
        self.assertEqual(stable('7: struct_ops  map 3\n8: struct_ops  map 0\n'),
                         'ID: struct_ops  map ID\nID: struct_ops  map 0')
        self.assertEqual(stable('map_id 12 pids bpftool(345)'), 'map_id ID pids bpftoolID')
        self.assertEqual(stable('"id": 4,'), '"id": ID,')


if __name__ == '__main__':
    unittest.main()
