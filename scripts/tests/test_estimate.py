# SPDX-License-Identifier: GPL-2.0-only
"""How long a build is said to take still."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib.estimate import Estimate
from lib.progress import left


class EstimateTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patcher = mock.patch('lib.estimate.cache', return_value=Path(folder.name))
        patcher.start()
        self.addCleanup(patcher.stop)

    def build(self, *seconds: float, end: float) -> None:
        """A build that is done with its steps after so many seconds each."""
        estimate = Estimate('build', 1000)
        for count, at in enumerate(seconds, 1):
            estimate.add(count, at)
        estimate.keep(end)

    def remaining(self, count: int, elapsed: float) -> float:
        found = Estimate('build', 1000).remaining(count, elapsed)
        assert found is not None
        return found

    def test_the_first_build_goes_by_its_pace(self) -> None:
        self.assertAlmostEqual(self.remaining(250, 60), 180)

    def test_too_early_to_say(self) -> None:
        self.assertIsNone(Estimate('build', 1000).remaining(0, 5))
        self.assertIsNone(Estimate('build', 1000).remaining(10, 5))

    def test_more_steps_than_were_expected(self) -> None:
        self.assertIsNone(Estimate('build', 1000).remaining(1001, 60))

    def test_the_next_build_goes_by_the_times_of_the_last(self) -> None:
        # The first hundred steps take one second each, the others four, and the end ten.
        self.build(*range(1, 101), *range(104, 504, 4), end=510)
        self.assertAlmostEqual(self.remaining(0, 0), 510)
        self.assertAlmostEqual(self.remaining(100, 100), 410, delta=2)
        self.assertAlmostEqual(self.remaining(200, 500), 10, delta=2)

    def test_a_slower_machine(self) -> None:
        self.build(*range(1, 101), *range(104, 504, 4), end=510)
        self.assertAlmostEqual(self.remaining(100, 300), 3 * 410, delta=6)

    def test_the_number_of_steps_is_known_then(self) -> None:
        self.build(1, 2, 3, end=4)
        self.assertEqual(Estimate('build', 1000).total, 3)

    def test_times_that_cannot_be_read(self) -> None:
        self.build(1, 2, 3, end=4)
        path = Estimate('build', 1000).path
        for text in ('', '{}', '[]', '{"total": "many", "times": []}',
                     '{"total": 2, "times": [1, 2]}'):
            path.write_text(text, encoding='utf-8')
            self.assertAlmostEqual(self.remaining(250, 60), 180, msg=text)

    def test_in_words(self) -> None:
        self.assertEqual(left(29), 'less than a minute left')
        self.assertEqual(left(31), 'about 1 min left')
        self.assertEqual(left(611), 'about 10 min left')


if __name__ == '__main__':
    unittest.main()
