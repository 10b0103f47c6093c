# SPDX-License-Identifier: GPL-2.0-only
"""Sequences of steps, and the traces that kernels leave of them.

A step is what tools/testing/struct_ops/fuzz reads and writes: an object with the name
of the operation and its arguments.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib.errors import Failure

LAST = 1 << 16    # bytes that hold the last trace; one has some thousands
BEGUN = re.compile(rb'{"begun":(\d+)}\n')

Arguments = dict[str, Any]
Step = dict[str, Arguments]
Steps = list[Step]


def operation(step: Step) -> tuple[str, Arguments]:
    """The name of a step's operation, and its arguments."""
    (item,) = step.items()
    return item


@dataclass(frozen=True)
class Done:
    """What a step did: 'ok' with what was read, or the name of the error."""
    result: str
    started: tuple[int, ...] = ()    # connections, per implementation

    def __str__(self) -> str:
        return f'{self.result}, started {list(self.started)}' if any(self.started) else self.result


@dataclass(frozen=True)
class Trace:
    """What a sequence did on a kernel, which began with these sysctls."""
    begin: str
    steps: list[Done] = field(default_factory=list)


def write(file: Path, sequences: Sequence[Steps]) -> None:
    """Writes sequences one a line, as the guest's program reads them."""
    file.write_text(''.join(json.dumps(steps) + '\n' for steps in sequences), encoding='utf-8')


def read(file: Path) -> list[Steps]:
    """Reads what write() or the generator wrote."""
    return [json.loads(line) for line in file.read_text(encoding='utf-8').splitlines()]


def write_program(file: Path, steps: Steps, why: Sequence[str]) -> None:
    """Writes a sequence to be read, one step a line, behind comments."""
    lines = [f'# {line}' for line in why] + [json.dumps(step) for step in steps]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def read_program(file: Path) -> Steps:
    """Reads what write_program() wrote."""
    try:
        return [json.loads(line) for line in file.read_text(encoding='utf-8').splitlines()
                if line.strip() and not line.startswith('#')]
    except (OSError, ValueError) as error:
        raise Failure(f'{file} is no program for the fuzzer: {error}') from error


def read_traces(file: Path) -> tuple[list[Trace], int | None]:
    """The traces that a guest has written, and the sequence that did not end, if one did not."""
    traces: list[Trace] = []
    begun: int | None = None
    for line in file.read_text(encoding='utf-8').splitlines() if file.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            break     # the guest ended while it wrote
        if 'begun' in entry:
            begun = entry['begun']
            continue
        traces.append(Trace(entry['begin'], [
            Done(step['result'], tuple(step.get('started', ()))) for step in entry['steps']]))
        begun = None
    return traces, begun


def reached(file: Path) -> int:
    """The sequence that a guest has begun last, by the end of what it has written so far."""
    with file.open('rb') as traces:
        traces.seek(max(0, file.stat().st_size - LAST))
        found = BEGUN.findall(traces.read())
    return int(found[-1]) if found else 0
