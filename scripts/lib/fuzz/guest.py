# SPDX-License-Identifier: GPL-2.0-only
"""Runs sequences in the guest of each kernel."""

import shlex
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lib import vm
from lib.errors import Failure
from lib.fuzz.sequences import Steps, Trace, reached, read_traces, write
from lib.progress import watched

PATIENCE = 600    # seconds for a boot
EACH = 2          # seconds more for a sequence


class Died(Failure):
    """A guest that failed in a sequence."""

    def __init__(self, impl: str, sequence: int, status: int) -> None:
        super().__init__(f'the {impl} kernel failed or hung in sequence {sequence} of the batch '
                         f'(exit status {status})')
        self.impl, self.sequence = impl, sequence


class Guest:
    """Boots two kernels per batch of sequences: the C one, and another."""

    def __init__(self, binary: Path, folder: Path, impl: str = 'rust') -> None:
        self.binary, self.folder, self.impls = binary, folder, ('c', impl)
        self.faults: list[str] = []    # of guests that ran all sequences all the same
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, impl: str, sequences: Sequence[Steps], source: Path) -> list[Trace]:
        """What a kernel does with the sequences of a file."""
        out = source.with_name(f'{impl}.traces')
        # One processor: what a step sets off is over when the next one begins.
        status = vm.run(impl, shlex.join([str(self.binary), 'run', str(source), str(out)]),
                        cpus=1, timeout=PATIENCE + EACH * len(sequences), build=False)
        traces, begun = read_traces(out)
        if len(traces) != len(sequences):
            raise Died(impl, len(traces) if begun is None else begun, status)
        if status:
            self.faults.append(f'the {impl} kernel reported a fault, or something is left '
                               f'(exit status {status})')
        return traces

    def both(self, sequences: Sequence[Steps]) -> list[tuple[Trace, Trace]]:
        """What the C kernel does with each sequence, and the other one."""
        with tempfile.TemporaryDirectory(prefix='batch.', dir=self.folder) as scratch:
            source = Path(scratch) / 'sequences'
            write(source, sequences)

            def count() -> int:
                return min(map(reached, Path(scratch).glob('*.traces')), default=0)

            # Each has one processor.
            with watched('running sequences on both kernels', count, len(sequences)), \
                    ThreadPoolExecutor() as pool:
                c, rust = pool.map(lambda impl: self.run(impl, sequences, source), self.impls)
        return list(zip(c, rust, strict=True))
