# SPDX-License-Identifier: GPL-2.0-only
"""What test_progs printed, compared with what is known to fail."""

import re
from dataclasses import dataclass

from lib.errors import Failure
from lib.paths import TOP
from lib.results import Case

DIFFERENCES = TOP / 'scripts/differences-c.txt'
SKIPPED = 'was skipped'


@dataclass(frozen=True)
class Difference:
    """A test of the project's own that fails on upstream's C code, or is not run there."""
    what: str      # fails or not-run
    name: str      # TEST/SUBTEST
    reason: str

    @property
    def test(self) -> str:
        return self.name.partition('/')[0]


@dataclass
class Outcome:
    """The verdict on a subtest, or on a test that has none."""
    name: str
    verdict: str
    expected: str = ''    # why a verdict other than OK is good

    @property
    def test(self) -> str:
        return self.name.partition('/')[0]

    @property
    def good(self) -> bool:
        return self.verdict == 'OK' or bool(self.expected)

    @property
    def case(self) -> Case:
        """The same for a JUnit file, in which an expected failure is a skip.

        A skip that is not expected is a failure.
        """
        if self.expected:
            return Case(self.name, 'skipped', self.expected)
        if self.good:
            return Case(self.name)
        return Case(self.name, 'failed', {'FAIL': '', 'SKIP': SKIPPED}.get(self.verdict,
                                                                           self.verdict))


def differences(text: str) -> list[Difference]:
    """The entries of the list of expected differences."""
    lines = [line for line in text.splitlines() if line and not line.startswith('#')]
    found = [Difference(*line.split(maxsplit=2)) for line in lines if len(line.split()) > 2]
    if len(found) < len(lines) or any(one.what not in ('fails', 'not-run') for one in found):
        raise Failure(f'{DIFFERENCES} has a line that is not '
                      '"fails|not-run TEST/SUBTEST reason": correct it')
    return found


def parse(output: str) -> list[Outcome]:
    """What test_progs printed: a line for each subtest, or for a test without any."""
    found: dict[str, str] = {}
    for name, verdict in re.findall(r'^#[\d/]+ +(\S.*):(OK|FAIL|SKIP)\b', output, re.M):
        subtests = [found[other] for other in found if other.startswith(f'{name}/')]
        # A test's own line comes after those of its subtests; only a failure
        # outside of them is more than they have said.
        if not subtests or (verdict == 'FAIL' and 'FAIL' not in subtests):
            found[name] = verdict
    return [Outcome(name, verdict) for name, verdict in found.items()]


def expect(outcomes: list[Outcome], fails: dict[str, str]) -> None:
    """Takes expected failures for good, and the lack of one for a failure."""
    known = {outcome.name: outcome for outcome in outcomes}
    for name, reason in fails.items():
        outcome = known.get(name)
        if outcome and outcome.verdict == 'FAIL':
            outcome.expected = f'fails, as expected: {reason}'
        elif outcome:
            outcome.verdict = f'{outcome.verdict}, but {DIFFERENCES.name} says that it fails'
        else:
            outcomes.append(Outcome(name, f'is in {DIFFERENCES.name}, but was not run'))


def allow_skips(outcomes: list[Outcome], reason: str) -> None:
    """Takes tests that skip themselves for good."""
    for outcome in outcomes:
        if outcome.verdict == 'SKIP':
            outcome.expected = reason
