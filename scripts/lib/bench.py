# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmark's figures say: the two kernels compared, and the targets."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypedDict

LESS = 'less'     # as struct_ops_bench has it: less of it is better
# What an update takes when the C code's waits are deleted: not safe, but the least.
FLOOR = 1300
UPDATE = 'instructions, update'


class Figure(TypedDict):
    """What struct_ops_bench prints of a measurement."""
    name: str
    unit: str
    better: str
    value: float | None


@dataclass
class Case:
    """One figure of both kernels; the ratio is how many times better Rust is."""
    name: str
    unit: str
    c: float
    rust: float
    ratio: float | None
    c_runs: list[float]
    rust_runs: list[float]


@dataclass(frozen=True)
class Target:
    """What a case must reach: this ratio at least, or a figure of Rust's at most."""
    case: str
    ratio: float = 0
    most: float = math.inf

    @property
    def wanted(self) -> str:
        return f'at least {number(self.ratio)} ×' if self.ratio else f'at most {number(self.most)}'

    def measured(self, case: Case) -> str:
        if not self.ratio:
            return number(case.rust)
        return 'no ratio' if case.ratio is None else f'{number(case.ratio)} ×'

    def reached(self, case: Case) -> bool:
        return case.rust <= self.most and (case.ratio or 0) >= self.ratio


TARGETS = (
    Target('update, idle, p50', ratio=1000),
    Target('update, 64 streams, p50', ratio=1000),
    Target('update, idle, p99', ratio=300),
    Target('update, 64 streams, p99', ratio=300),
    Target(UPDATE, most=1.2 * FLOOR),
    Target('updates, 64 links, 1 thread', ratio=1000),
    Target('updates, 64 links, 2 threads', ratio=1000),
    Target('updates, 64 links, 4 threads', ratio=1000),
    *(Target(f'instructions, {call}', ratio=1)
      for call in ('first create', 'create', 'detach', 'close', 'info', 'poll')),
    # In instructions, since the rates spread by more than that, see bench.py.
    Target('instructions, connection', ratio=0.99),
    Target('instructions, 64 KiB of bulk', ratio=0.99),
)


def ratio(better: str, c: float, rust: float) -> float | None:
    """How many times better Rust is; None where that cannot be said."""
    over, under = (c, rust) if better == LESS else (rust, c)
    return over / under if over > 0 and under > 0 else None


def compare(name: str, unit: str, better: str, c: Sequence[float],
            rust: Sequence[float]) -> Case:
    """A case from the figures of all runs: their medians."""
    return Case(name, unit, median(c), median(rust),
                ratio(better, median(c), median(rust)), list(c), list(rust))


def merge(c: Sequence[Sequence[Figure]], rust: Sequence[Sequence[Figure]]) -> list[Case]:
    """The cases of several runs on each kernel, in the order of the first run."""
    def figures(runs: Sequence[Sequence[Figure]], name: str) -> list[float]:
        found = [figure['value'] for run in runs for figure in run if figure['name'] == name]
        known = [value for value in found if value is not None]
        if len(known) != len(runs):
            raise ValueError(f'{name} was measured in {len(known)} of {len(runs)} runs')
        return known

    return [compare(figure['name'], figure['unit'], figure['better'],
                    figures(c, figure['name']), figures(rust, figure['name']))
            for figure in c[0]]


def number(value: float) -> str:
    """Three digits that count, and no fewer than there are before the point."""
    digits = 2 - math.floor(math.log10(max(abs(value), 0.01)))
    return f'{value:,.{max(digits, 0)}f}'


def missed(cases: Sequence[Case]) -> list[Target]:
    """The targets that were not reached; one whose case is missing is among them."""
    found = {case.name: case for case in cases}
    return [target for target in TARGETS
            if target.case not in found or not target.reached(found[target.case])]


def report(facts: Sequence[tuple[str, str]], cases: Sequence[Case],
           notes: Sequence[str]) -> str:
    """The report as Markdown, ratio first."""
    found = {case.name: case for case in cases}
    bad = missed(cases)
    lines = ['# struct_ops links: C and Rust compared', '',
             f'{len(TARGETS) - len(bad)} of {len(TARGETS)} targets reached'
             + (f'; missed: {"; ".join(target.case for target in bad)}.' if bad else '.'), '']
    lines += [f'- {name}: {text}' for name, text in facts]
    lines += ['', '## Figures', '',
              'The ratio says how many times better Rust is; below 1, C is. Figures are medians '
              'of the runs.', '',
              '| ratio | case | C | Rust | unit |', '| ---: | --- | ---: | ---: | --- |']
    lines += [f'| {"" if case.ratio is None else number(case.ratio)} | {case.name} '
              f'| {number(case.c)} | {number(case.rust)} | {case.unit} |' for case in cases]
    lines += ['', '## Targets', '', '| reached | case | wanted | measured |',
              '| --- | --- | ---: | ---: |']
    for target in TARGETS:
        case = found.get(target.case)
        measured = target.measured(case) if case else 'not measured'
        lines.append(f'| {"**no**" if target in bad else "yes"} | {target.case} '
                     f'| {target.wanted} | {measured} |')
    lines += ['', '## How it was measured', '', *(f'- {note}' for note in notes), '']
    return '\n'.join(lines)
