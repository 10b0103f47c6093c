# SPDX-License-Identifier: GPL-2.0-only
"""Tells a test that is unreliable in Rust from one that was late there by chance.

A guest under emulation may be late, so a suite runs what fails again, and on either
kernel a test may pass at its second try. If more tries fail on the Rust kernel than on
the C kernel, that is chance or a regression. So what did is run on both kernels again:
chance seldom says the same in each round.
"""

from collections.abc import Callable, Collection

from lib.progress import note
from lib.suites.comparison import GUEST, Row
from lib.suites.tries import program

ROUNDS = 3

# Runs some programs of a suite, or all, on both kernels, in a round with this number.
Run = Callable[[Collection[str], int], list[Row]]


def compare_in_rounds(run: Run) -> tuple[list[Row], set[str]]:
    """Runs a suite; returns the rows, and the tests that did worse in Rust in each round.

    What is found in later rounds of the guests themselves is in the rows too.
    """
    rows = run((), 1)
    worse = {row.test for row in rows if row.passed and row.worse_in_rust}
    for number in range(2, ROUNDS + 1):
        if not worse:
            break
        note(f'more tries failed in Rust than in C: {", ".join(sorted(worse))}; '
             f'round {number} of {ROUNDS} on both kernels')
        again = run(sorted({program(test) for test in worse}), number)
        worse &= {row.test for row in again if row.worse_in_rust}
        rows += [row for row in again if row.test == GUEST]
    return rows, worse
