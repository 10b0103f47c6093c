# SPDX-License-Identifier: GPL-2.0-only
"""How the results of two kernels are compared, and what excuses a failure on both."""

import unittest

import suites
from lib.errors import Failure
from lib.selftests.sources import read
from lib.suites.comparison import (
    KNOWN,
    Known,
    Row,
    cases,
    compare,
    judge,
    read_known,
    table,
)
from lib.suites.steps import stable, steps
from lib.suites.tries import Tries

WHY = [Known('s', 'a*', 'why')]


def row(test: str, c: str, rust: str) -> Row:
    """A row of a test that was run once on each kernel."""
    return Row(test, Tries.once(c), Tries.once(rust))


class Comparison(unittest.TestCase):
    def test_pass(self) -> None:
        self.assertEqual(judge(row('a', 'OK', 'OK'), []).verdict, 'passed')
        self.assertEqual(judge(row('a', 'text\nOK', 'text\nOK'), []).verdict, 'passed')

    def test_difference(self) -> None:
        # Not even a known reason excuses one.
        for known in ([], WHY):
            for c, rust in (('OK', 'FAIL'), ('FAIL', 'OK'), ('x\nOK', 'y\nOK'), ('OK', 'not run')):
                self.assertEqual(judge(row('a', c, rust), known).verdict, 'failed')

    def test_both_fail(self) -> None:
        both = row('a/b', 'text\nstatus 2', 'text\nstatus 2')
        self.assertEqual(judge(both, []).verdict, 'failed')
        self.assertEqual(judge(both, [Known('s', 'b', 'why')]).verdict, 'failed')
        self.assertEqual(judge(both, WHY).verdict, 'skipped')
        self.assertEqual(judge(both, WHY).message, 'status 2 on both: why')

    def test_listed_but_nothing_fails(self) -> None:
        for rows in ([row('a', 'OK', 'OK')], [row('a', 'OK', 'FAIL')], []):
            self.assertEqual(cases(rows, WHY)[-1].verdict, 'failed')
            self.assertEqual(cases(rows, WHY)[-1].name, 'a*')
        self.assertEqual(len(cases([row('a', 'OK', 'OK'), row('ab', 'FAIL', 'FAIL')], WHY)), 2)

    def test_missing_on_one(self) -> None:
        self.assertEqual(compare({'a': Tries('OK')}, {'b': Tries('OK')}),
                         [row('a', 'OK', 'not run'), row('b', 'not run', 'OK')])

    def test_tries_are_no_difference_unless_it_repeats(self) -> None:
        late = Row('a', Tries('OK'), Tries('OK', made=2, failed=1))
        self.assertEqual([case.verdict for case in cases([late], [])], ['passed'])
        case, = cases([late], [], {'a'})
        self.assertEqual(case.verdict, 'failed')
        self.assertIn('C: OK; Rust: OK, 1 of 2 tries failed', case.message)

    def test_table(self) -> None:
        text = table('s', [row('a', 'x|y\nOK', 'FAIL'), Row('b', Tries('OK'), Tries('OK', 3, 2))],
                     {'c': 'some-key'})
        self.assertIn('    kernel-c: some-key\n', text)
        self.assertIn('| a | x\\|y<br>OK | FAIL |', text)
        self.assertIn('| b | OK | OK, 2 of 3 tries failed |', text)


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
                         {'a': Tries('x\nOK'), 'b': Tries('status 2', 1, 1)})

    def test_stable(self) -> None:
        self.assertEqual(stable('7: struct_ops  map 3\n8: struct_ops  map 0\n'),
                         'ID: struct_ops  map ID\nID: struct_ops  map 0')
        self.assertEqual(stable('map_id 12 pids bpftool(345)'), 'map_id ID pids bpftoolID')
        self.assertEqual(stable('"id": 4,'), '"id": ID,')


if __name__ == '__main__':
    unittest.main()
