# SPDX-License-Identifier: GPL-2.0-only
"""The results of a suite on both kernels, side by side."""

import re
from dataclasses import dataclass

from lib.errors import Failure
from lib.paths import TOP
from lib.results import Case

KNOWN = TOP / 'scripts/fails-on-both.txt'
NOT_RUN = 'not run'


@dataclass(frozen=True)
class Row:
    """A test, and what it came to on each kernel: text whose last line is the verdict."""
    test: str
    c: str
    rust: str

    @property
    def verdict(self) -> str:
        """Of both kernels, where they agree."""
        return self.c.splitlines()[-1]

    def case(self, known: dict[str, str]) -> Case:
        """A difference fails; so does a failure on both for which no reason is known."""
        if self.c != self.rust:
            return Case(self.test, 'failed', f'C: {self.c}; Rust: {self.rust}')
        if self.verdict == 'OK':
            return (Case(self.test, 'failed', f'passes on both, but {KNOWN.name} lists it')
                    if self.test in known else Case(self.test))
        if self.test in known:
            return Case(self.test, 'skipped', f'{self.verdict} on both: {known[self.test]}')
        return Case(self.test, 'failed', f'{self.verdict} on both, and {KNOWN.name} has no reason')


def compare(c: dict[str, str], rust: dict[str, str]) -> list[Row]:
    """A row for each test that either kernel has a result of."""
    return [Row(test, c.get(test, NOT_RUN), rust.get(test, NOT_RUN))
            for test in dict.fromkeys([*c, *rust])]


def reasons(text: str) -> dict[str, str]:
    """The lines "TEST  reason" of the list of what fails on both."""
    lines = [line.split(maxsplit=1) for line in text.splitlines()
             if line and not line.startswith('#')]
    if any(len(line) < 2 for line in lines):
        raise Failure(f'{KNOWN} has a line that is not "TEST reason": correct it')
    return dict(lines)


def table(suite: str, rows: list[Row]) -> str:
    """The same as a table in Markdown."""
    lines = [f'## {suite}', '', '| test | C | Rust |', '| --- | --- | --- |']
    lines += [f'| {row.test} | {cell(row.c)} | {cell(row.rust)} |' for row in rows]
    return '\n'.join(lines) + '\n'


def cell(text: str) -> str:
    return '<br>'.join(text.replace('|', r'\|').splitlines())


def steps(output: str) -> dict[str, str]:
    """What each step of a script printed after its line "== NAME", without what boots change."""
    parts = re.split(r'^== (.+)\n', output, flags=re.M)
    return {name: stable(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def stable(text: str) -> str:
    """The text with ID in place of the numbers that the kernel chose."""
    text = re.sub(r'^\d+:', 'ID:', text.strip(), flags=re.M)
    text = re.sub(r'\b((?:\w+_)?ids?"?:? )\d+(?:,\d+)*', r'\1ID', text)
    return re.sub(r'prog_id:\d+|\(\d+\)|0x[0-9a-f]{8,}', 'ID', text)
