# SPDX-License-Identifier: GPL-2.0-only
"""The results of a suite on both kernels, side by side."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lib.errors import Failure
from lib.paths import TOP
from lib.results import Case, key_lines
from lib.suites.tries import PASSED, Tries

KNOWN = TOP / 'scripts/fails-on-both.txt'
NOT_RUN = Tries.once('not run')
GUEST = 'guest'    # the row of the guest itself, where it failed


@dataclass(frozen=True)
class Known:
    """Why tests of a suite do not pass on either kernel; the pattern is a shell's."""
    suite: str
    pattern: str
    reason: str


@dataclass(frozen=True)
class Row:
    """A test, and what it came to on each kernel."""
    test: str
    c: Tries
    rust: Tries

    @property
    def same(self) -> bool:
        return self.c.text == self.rust.text

    @property
    def verdict(self) -> str:
        """Of both kernels, where they agree."""
        return self.c.verdict

    @property
    def passed(self) -> bool:
        return self.same and self.verdict == PASSED

    @property
    def worse_in_rust(self) -> bool:
        """Whether more tries failed on the Rust kernel."""
        return self.rust.failed > self.c.failed

    def excused_by(self, entry: Known) -> bool:
        return self.same and not self.passed and fnmatchcase(self.test, entry.pattern)


def compare(c: Mapping[str, Tries], rust: Mapping[str, Tries]) -> list[Row]:
    """A row for each test that either kernel has a result of."""
    return [Row(test, c.get(test, NOT_RUN), rust.get(test, NOT_RUN))
            for test in dict.fromkeys([*c, *rust])]


def cases(rows: Iterable[Row], known: Iterable[Known], worse: Collection[str] = ()) -> list[Case]:
    """A difference fails; so does a failure on both without a reason, and a reason without one.

    What did worse in Rust in each round fails as well.
    """
    rows, known = list(rows), list(known)
    return [judge(row, known, worse) for row in rows] + [
        Case(entry.pattern, 'failed', f'{KNOWN.name} lists it, and it does not fail on both')
        for entry in known if not any(row.excused_by(entry) for row in rows)]


def judge(row: Row, known: Iterable[Known], worse: Collection[str] = ()) -> Case:
    if not row.same:
        return Case(row.test, 'failed', f'C: {row.c}; Rust: {row.rust}')
    if row.test in worse:
        return Case(row.test, 'failed', f'more tries fail in Rust in each round: C: {row.c}; '
                    f'Rust: {row.rust}')
    if row.passed:
        return Case(row.test)
    entry = next((entry for entry in known if row.excused_by(entry)), None)
    if entry:
        return Case(row.test, 'skipped', f'{row.verdict} on both: {entry.reason}')
    return Case(row.test, 'failed', f'{row.verdict} on both, and {KNOWN.name} has no reason')


def read_known(text: str) -> list[Known]:
    """The lines "SUITE  PATTERN  REASON" of the list of what fails on both.

    Two spaces or more are between them, since the name of a test may have one.
    """
    lines = [re.split(r'\s{2,}', line.strip(), maxsplit=2) for line in text.splitlines()
             if line and not line.startswith('#')]
    if any(len(line) < 3 for line in lines):
        raise Failure(f'{KNOWN} has a line that is not "SUITE  PATTERN  REASON", with two spaces '
                      'between: correct it')
    return [Known(*line) for line in lines]


def table(suite: str, rows: Iterable[Row], kernels: Mapping[str, str]) -> str:
    """The same as a table in Markdown, below the keys of the kernels."""
    lines = [f'## {suite}', '', *(f'    {line}' for line in key_lines(kernels)), '',
             '| test | C | Rust |', '| --- | --- | --- |']
    lines += [f'| {cell(row.test)} | {cell(str(row.c))} | {cell(str(row.rust))} |' for row in rows]
    return '\n'.join(lines) + '\n'


def cell(text: str) -> str:
    return '<br>'.join(text.replace('|', r'\|').splitlines())
