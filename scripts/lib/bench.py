# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmark's figures say: the two kernels compared, and the targets."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypedDict

LESS = 'less'     # as struct_ops_bench has it: less of it is better
# What an update takes when the C code's waits are deleted: not safe, but the least.
FLOOR = 1300
UPDATE = 'instructions, update'
# A case of which there is one for each number of namespaces or names.
SCALED = re.compile(r'instructions, (.+), ([\d,]+) (namespace|name)s?')
NAMESPACES, NAMES = MOST = ((10_000, 'namespace'), (1_000, 'name'))
# How many times as many instructions a call may take with the most as with one.
GROWTH = 1.3


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
    """What a case must reach: this ratio at least, or a figure of Rust's at most.

    With another case named, the figure is divided by Rust's of that one.
    """
    case: str
    ratio: float = 0
    most: float = math.inf
    than: str = ''

    @property
    def wanted(self) -> str:
        if self.ratio:
            return f'at least {number(self.ratio)} ×'
        than = f' × that with {self.than.rpartition(", ")[2]}' if self.than else ''
        return f'at most {number(self.most)}{than}'

    def value(self, cases: Mapping[str, Case]) -> float | None:
        """What the target is about; None where that cannot be said."""
        case = cases.get(self.case)
        if case is None or self.ratio:
            return case.ratio if case else None
        if not self.than:
            return case.rust
        base = cases.get(self.than)
        return case.rust / base.rust if base and base.rust > 0 else None

    def measured(self, cases: Mapping[str, Case]) -> str:
        value = self.value(cases)
        if value is not None:
            return number(value) + (' ×' if self.ratio or self.than else '')
        return 'no ratio' if self.case in cases else 'not measured'

    def reached(self, cases: Mapping[str, Case]) -> bool:
        value = self.value(cases)
        return value is not None and self.ratio <= value <= self.most


def scaled(call: str, count: int, of: str) -> str:
    """The case of a call with so many of something, as struct_ops_bench names it."""
    return f'instructions, {call}, {count:,} {of}' + ('s' if count > 1 else '')


def grows_little(call: str, count: int, of: str) -> Target:
    return Target(scaled(call, count, of), most=GROWTH, than=scaled(call, 1, of))


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
    *(grows_little(call, *most) for most in MOST
      for call in ('update', 'create', 'detach', 'close')),
    grows_little('first create', *NAMES),
    # Most of it is not TCP's, so that TCP's part shows against C only.
    *(target for call in ('making a namespace', 'ending a namespace')
      for target in (grows_little(call, *NAMESPACES),
                     Target(scaled(call, *NAMESPACES), ratio=0.99))),
    *(target for name in ('cubic', 'reno')
      for target in (Target(scaled(f'setsockopt of {name}', 1, 'name'), ratio=0.99),
                     Target(scaled(f'setsockopt of {name}', *NAMES), ratio=0.99))),
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
    return [target for target in TARGETS if not target.reached(found)]


def row(*cells: str) -> str:
    return f'| {" | ".join(cells)} |'


def growth(cases: Sequence[Case], of: str) -> list[str]:
    """A table of the cases by the number of namespaces or names, in two rows each."""
    calls: dict[str, dict[int, Case]] = {}
    for case in cases:
        found = SCALED.fullmatch(case.name)
        if found and found[3] == of:
            calls.setdefault(found[1], {})[int(found[2].replace(',', ''))] = case
    counts = sorted({count for call in calls.values() for count in call})
    lines = [row(f'instructions by {of}s', 'kernel', *(f'{count:,}' for count in counts)),
             row('---', '---', *('---:' for _ in counts))]
    for name, call in calls.items():
        known = [call.get(count) for count in counts]
        lines += [row(name, 'C', *(number(case.c) if case else '' for case in known)),
                  row('', 'Rust', *(number(case.rust) if case else '' for case in known))]
    return lines


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
              row('ratio', 'case', 'C', 'Rust', 'unit'),
              row('---:', '---', '---:', '---:', '---')]
    lines += [row('' if case.ratio is None else number(case.ratio), case.name, number(case.c),
                  number(case.rust), case.unit)
              for case in cases if not SCALED.fullmatch(case.name)]
    for _, of in MOST:
        lines += ['', *growth(cases, of)]
    lines += ['', '## Targets', '', row('reached', 'case', 'wanted', 'measured'),
              row('---', '---', '---:', '---:')]
    lines += [row('**no**' if target in bad else 'yes', target.case, target.wanted,
                  target.measured(found)) for target in TARGETS]
    lines += ['', '## How it was measured', '', *(f'- {note}' for note in notes), '']
    return '\n'.join(lines)
