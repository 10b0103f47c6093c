#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the same random sequences of calls on both kernels and compares what they do.

The calls are bpf(2) on struct_ops maps and links, right and wrong, and those on
sockets, network namespaces and sysctls whose congestion control may change with them.
What differs has to be in the list of scripts/lib/fuzz/differences.py, and both kernels
have to do what scripts/lib/fuzz/model.py says of each. Another difference is shrunk,
and written to build/fuzz as a program for --replay.
"""

import argparse
import subprocess
import time
from collections import Counter
from pathlib import Path

from lib import command, results
from lib.cargo import PROGRAMS
from lib.errors import Failure
from lib.fuzz import sequences
from lib.fuzz.differences import DIFFERENCES, Difference, Found, compare
from lib.fuzz.guest import Died, Guest
from lib.fuzz.sequences import Steps
from lib.fuzz.shrink import shrink
from lib.kernel import Kernel, keys
from lib.paths import BUILD
from lib.progress import clock, note
from lib.results import Case, Result

BINARY = PROGRAMS.target / 'release/fuzz'
OUT = BUILD / 'fuzz'
BATCH = 2000      # sequences a boot


def generate(seed: int, first: int, count: int, steps: int) -> list[Steps]:
    """The sequences of a seed, from a number on."""
    file = OUT / 'generated'
    subprocess.run([BINARY, 'generate', '--seed', str(seed), '--first', str(first),
                    '--count', str(count), '--steps', str(steps), file], check=True)
    return sequences.read(file)


def explain(steps: Steps, found: list[Found]) -> list[str]:
    """The differences of a sequence, one a line."""
    return [f'step {one.index} {steps[one.index]}: C {one.c}; Rust {one.rust} '
            f'({one.difference.name if one.difference else "NOT DELIBERATE"})' for one in found]


class Fuzz:
    """A run on both kernels, which have these keys, and what it found."""

    def __init__(self, guest: Guest, deliberate: tuple[Difference, ...], out: Path,
                 kernels: dict[str, str]) -> None:
        self.guest, self.deliberate, self.out, self.kernels = guest, deliberate, out, kernels
        self.seen: Counter[str] = Counter()
        self.complaints: list[str] = []

    def compare(self, batch: list[Steps]) -> list[list[Found]]:
        return [compare(steps, c, rust, self.deliberate)
                for steps, (c, rust) in zip(batch, self.guest.both(batch), strict=True)]

    def run(self, batch: list[Steps], first: int) -> None:
        """Compares a batch; its first difference that is not deliberate is shrunk."""
        try:
            every = self.compare(batch)
        except Died as died:
            self.report(batch[died.sequence], first + died.sequence, [str(died)])
            return
        self.complaints += [f'sequences from {first} on: {fault}' for fault in self.guest.faults]
        self.guest.faults.clear()
        for found in every:
            self.seen.update({one.difference.name for one in found if one.difference})
        odd = [index for index, found in enumerate(every) if found and not found[-1].difference]
        if odd:
            steps = self.shrunk(batch[odd[0]], every[odd[0]][-1])
            found, = self.compare([steps])
            self.report(steps, first + odd[0], explain(steps, found))
        for index in odd[1:]:
            self.report(batch[index], first + index, explain(batch[index], every[index]))

    def shrunk(self, steps: Steps, wanted: Found) -> Steps:
        """A shorter sequence whose last difference is as this one, and not deliberate."""
        def same(found: list[Found]) -> bool:
            return bool(found) and not found[-1].difference and (
                found[-1].c, found[-1].rust) == (wanted.c, wanted.rust)
        note(f'shrinking a sequence of {len(steps)} steps')
        return shrink(steps[:wanted.index + 1],
                      lambda candidates: [same(found) for found in self.compare([*candidates])])

    def report(self, steps: Steps, number: int, why: list[str]) -> None:
        """Writes and prints a program that shows what was found."""
        file = self.out / f'found-{number}.txt'
        sequences.write_program(file, steps, [*results.key_lines(self.kernels), *why])
        print(f'sequence {number}: make fuzz REPLAY={file}')
        print(file.read_text(encoding='utf-8'))
        self.complaints.append(f'sequence {number}: {why[-1] if why else "not seen again"}')


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--impl', choices=('rust', 'debug', 'kcsan'), default='rust',
                        help='what is compared with the C kernel (default: rust)')
    parser.add_argument('--seed', type=int, default=1, help='what decides the sequences')
    parser.add_argument('--sequences', type=int, default=300, help='how many (default: 300)')
    parser.add_argument('--first', type=int, default=0, help='the number of the first one')
    parser.add_argument('--steps', type=int, default=30,
                        help='steps of one, at most (default: 30)')
    parser.add_argument('--replay', type=Path, help='a program, in place of a seed')
    parser.add_argument('--without', action='append', default=[], metavar='NAME',
                        choices=[one.name for one in DIFFERENCES],
                        help='take a deliberate difference for one that is not')
    parser.add_argument('--last', action='store_true',
                        help='boot the last images that were built, whatever the sources say')
    args = parser.parse_args()
    if args.sequences < 1 or args.steps < 1:
        raise Failure('SEQUENCES and STEPS have to be 1 at least')

    PROGRAMS.build()
    impls = ('c', args.impl)
    if not args.last:
        for impl in impls:
            Kernel(impl).ensure()
    deliberate = tuple(one for one in DIFFERENCES if one.name not in args.without)
    fuzz = Fuzz(Guest(BINARY, OUT, args.impl), deliberate, OUT, keys(impls))
    if args.replay:
        steps = sequences.read_program(args.replay)
        found, = fuzz.compare([steps])
        print('\n'.join([*explain(steps, found), *fuzz.guest.faults])
              or 'both kernels do the same')
        return int(any(not one.difference for one in found) or bool(fuzz.guest.faults))

    start = time.monotonic()
    for first in range(args.first, args.first + args.sequences, BATCH):
        count = min(BATCH, args.first + args.sequences - first)
        if args.sequences > BATCH:
            note(f'{first - args.first} of {args.sequences} sequences were compared')
        fuzz.run(generate(args.seed, first, count, args.steps), first)
    took = time.monotonic() - start
    result = Result('fuzz', [Case.judged(f'seed {args.seed}', fuzz.complaints)], fuzz.kernels)
    results.write(result)
    print(f'seed {args.seed}: {args.sequences} sequences in {clock(took)}; deliberate differences: '
          + (', '.join(f'{name} in {count}' for name, count in fuzz.seen.most_common()) or 'none'))
    result.show()
    return int(bool(fuzz.complaints))


if __name__ == '__main__':
    command.run(main)
