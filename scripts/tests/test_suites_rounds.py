# SPDX-License-Identifier: GPL-2.0-only
"""What is run again on both kernels, and what the rounds make of it."""

import unittest
from collections.abc import Collection
from unittest import mock

from lib.suites.comparison import GUEST, Row
from lib.suites.rounds import ROUNDS, compare_in_rounds
from lib.suites.tries import Tries

GOOD, LATE, BAD = Tries('OK'), Tries('OK', 2, 1), Tries('FAIL', 3, 3)


class Rounds(unittest.TestCase):
    def compare(self, *rounds: list[Row]) -> tuple[list[Row], set[str]]:
        left = list(rounds)
        self.asked: list[list[str]] = []

        def run(only: Collection[str], number: int) -> list[Row]:
            self.asked.append(list(only))
            self.assertEqual(len(self.asked), number)
            return left.pop(0)

        with mock.patch('lib.suites.rounds.note'):
            found = compare_in_rounds(run)
        self.assertEqual(left, [])
        return found

    def test_no_more_tries_no_more_rounds(self) -> None:
        rows = [Row('a/x', LATE, LATE), Row('a/y', LATE, GOOD), Row('a/z', GOOD, BAD)]
        self.assertEqual(self.compare(rows), (rows, set()))
        self.assertEqual(self.asked, [[]])

    def test_only_what_did_worse_is_run_again(self) -> None:
        first = [Row('a/x', GOOD, LATE), Row('a/y', GOOD, LATE), Row('b/x', GOOD, LATE),
                 Row('c', GOOD, GOOD)]
        second = [Row('a/x', GOOD, GOOD), Row('a/y', GOOD, BAD), Row('b/x', LATE, LATE)]
        third = [Row('a/x', GOOD, LATE), Row('a/y', GOOD, LATE)]
        self.assertEqual(ROUNDS, 3)
        self.assertEqual(self.compare(first, second, third), (first, {'a/y'}))
        self.assertEqual(self.asked, [[], ['a', 'b'], ['a']])

    def test_a_fault_of_a_guest_in_a_later_round_is_kept(self) -> None:
        first, fault = Row('a', GOOD, LATE), Row(GUEST, Tries.once('not run'), Tries.once('70'))
        rows, worse = self.compare([first], [Row('a', GOOD, GOOD), fault])
        self.assertEqual((rows, worse), ([first, fault], set()))


class Sums(unittest.TestCase):
    def test_what_passed_once_has_passed(self) -> None:
        good, bad = Tries.once('text\nOK'), Tries.once('text\nstatus 1')
        self.assertEqual((good.failed, bad.failed, Tries.once('').failed), (0, 1, 1))
        for tries in (good.then(bad), bad.then(good)):
            self.assertEqual(tries, Tries('text\nOK', 2, 1))
            self.assertEqual(str(tries), 'text\nOK, 1 of 2 tries failed')
        self.assertEqual(str(bad.then(bad)), bad.text)
        self.assertEqual(bad.then(Tries.once('SKIP')).text, 'SKIP')


if __name__ == '__main__':
    unittest.main()
