# SPDX-License-Identifier: GPL-2.0-only
"""What a test came to, and in how many tries: one that fails may be run again."""

from collections.abc import Mapping
from dataclasses import dataclass

PASSED = 'OK'


@dataclass(frozen=True)
class Tries:
    """The result of a test: text whose last line is the verdict, and the tries that it took."""
    text: str
    made: int = 1
    failed: int = 0    # those that did not pass

    @classmethod
    def once(cls, text: str) -> 'Tries':
        """One try."""
        return cls(text, 1, int(last_line(text) != PASSED))

    @property
    def verdict(self) -> str:
        return last_line(self.text)

    def then(self, later: 'Tries') -> 'Tries':
        """These tries and later ones; what passed once has passed."""
        text = self.text if self.verdict == PASSED else later.text
        return Tries(text, self.made + later.made, self.failed + later.failed)

    def __str__(self) -> str:
        if self.verdict == PASSED and self.failed:
            return f'{self.text}, {self.failed} of {self.made} tries failed'
        return self.text


def program(test: str) -> str:
    """What a test is part of, and can be run alone: its name up to a slash."""
    return test.partition('/')[0]


def last_line(text: str) -> str:
    return text.splitlines()[-1] if text else ''


def add(found: dict[str, Tries], run: Mapping[str, Tries]) -> None:
    """Adds what a later run has found."""
    found.update({test: found[test].then(tries) if test in found else tries
                  for test, tries in run.items()})
