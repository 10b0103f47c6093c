# SPDX-License-Identifier: GPL-2.0-only
"""What is made of test_progs' output and of the list of expected differences."""

import unittest

from lib.errors import Failure
from lib.results import Case
from lib.selftests import outcomes, sources
from lib.selftests.outcomes import Difference, Outcome

OUTPUT = '''\
#1       bpf_iter_setsockopt:OK
#2/1     bpf_tcp_ca/dctcp:OK
#2/2     bpf_tcp_ca/cubic:SKIP
#2       bpf_tcp_ca:OK (SKIP: 1/2)
test_tcp:FAIL:nr_listen unexpected nr_listen: actual 0 != expected 1
#3       setget_sockopt:FAIL
#4/1     link/update:OK
#4/10    link/pinned, and reopened:FAIL
#4       link:FAIL
#5/1     life/detach:OK
#5       life:FAIL
#6       absent:SKIP (not built)
Summary: 20/87 PASSED, 0 SKIPPED, 2/1 FAILED
'''


def verdicts(found: list[Outcome]) -> dict[str, str]:
    return {outcome.name: outcome.verdict for outcome in found}


class Parse(unittest.TestCase):
    def test_each_subtest_and_tests_without(self) -> None:
        self.assertEqual(verdicts(outcomes.parse(OUTPUT)), {
            'bpf_iter_setsockopt': 'OK',
            'bpf_tcp_ca/dctcp': 'OK',
            'bpf_tcp_ca/cubic': 'SKIP',
            'setget_sockopt': 'FAIL',
            'link/update': 'OK',
            'link/pinned, and reopened': 'FAIL',
            'life/detach': 'OK',
            'life': 'FAIL',
            'absent': 'SKIP',
        })

    def test_nothing(self) -> None:
        self.assertEqual(outcomes.parse('Killed\n'), [])


class Differences(unittest.TestCase):
    def test_entries(self) -> None:
        self.assertEqual(
            outcomes.differences('# why\n\nfails  a/b  is slow\nnot-run  a/c  is fatal\n'),
            [Difference('fails', 'a/b', 'is slow'), Difference('not-run', 'a/c', 'is fatal')])

    def test_bad_entries(self) -> None:
        for line in ('fails a/b', 'falls a/b because', 'fails'):
            with self.subTest(line), self.assertRaises(Failure):
                outcomes.differences(line + '\n')

    def test_the_list_is_well_formed_and_names_tests(self) -> None:
        own = sources.find(sources.OWN, own=True).names
        for difference in outcomes.differences(sources.read(outcomes.DIFFERENCES)):
            self.assertIn(difference.test, own)

    def expect(self, verdict: str) -> Outcome:
        found = [Outcome('a/b', verdict)] if verdict else []
        outcomes.expect(found, {'a/b': 'is slow'})
        return found[0]

    def test_an_expected_failure_is_good(self) -> None:
        outcome = self.expect('FAIL')
        self.assertTrue(outcome.good)
        self.assertEqual(outcome.case, Case('a/b', 'skipped', 'fails, as expected: is slow'))

    def test_a_difference_that_has_gone_is_not(self) -> None:
        for verdict in ('OK', 'SKIP', ''):
            outcome = self.expect(verdict)
            self.assertFalse(outcome.good)
            self.assertEqual(outcome.case.verdict, 'failed')

if __name__ == '__main__':
    unittest.main()
