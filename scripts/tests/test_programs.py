# SPDX-License-Identifier: GPL-2.0-only
"""What is taken out of the output of the tests."""

import unittest

from programs import runs

OUTPUT = '''
test add_again_beside ... ok
test mutation_no_mark - should panic ... ok

successes:

---- add_again_beside stdout ----
add_again_beside: 1118 runs

---- mutation_no_mark stdout ----

thread 'mutation_no_mark' (12) panicked at scenarios.rs:1:2:
started on the old table
'''


class RunsTest(unittest.TestCase):
    def test_a_line_for_each_scenario(self) -> None:
        self.assertEqual(runs(OUTPUT).split(), ['add_again_beside', '1,118', 'runs'])


if __name__ == '__main__':
    unittest.main()
