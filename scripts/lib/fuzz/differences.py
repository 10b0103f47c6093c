# SPDX-License-Identifier: GPL-2.0-only
"""In what the Rust kernel differs from the C one on purpose, and what else is found.

Each difference is one of Documentation/networking/tcp_cong_update.rst or
Documentation/bpf/struct_ops_link.rst. Those that these sequences cannot show (latency,
a list that is read during an update, subsystems that return positive numbers) are left
out. What the kernels do differently is meant if each does what lib/fuzz/model.py says
of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lib.fuzz.model import Model
from lib.fuzz.sequences import Done, Step, Steps, Trace, operation


@dataclass(frozen=True)
class Difference:
    """A deliberate one."""
    name: str
    reason: str


DIFFERENCES = (
    Difference('start', 'namespaces, listeners and sockets that chose before an update keep the '
               'old table in C'),
    Difference('permission', 'an update takes the permission of ordinary users away in C'),
    Difference('position', 'an update moves the name to the end of the list in C'),
)


@dataclass(frozen=True)
class Found:
    """A step at which a kernel did not do as the other one, or as its model."""
    index: int
    c: str
    rust: str
    difference: Difference | None = None    # the deliberate one that it is, if it is one


def kind(step: Step, c: Done, rust: Done) -> str:
    """The name of the deliberate difference that a step can show."""
    match operation(step):
        case 'read', {'sysctl': 'available'}:
            return 'position'
        case 'read', {'sysctl': 'allowed'}:
            same = sorted(c.result.split()) == sorted(rust.result.split())
            return 'position' if same else 'permission'
        case 'set_cc', _:
            return 'start' if c.result == rust.result else 'permission'
        case 'write_sysctl', _:
            return 'permission'
        case _:
            return 'start'


def compare(steps: Steps, c: Trace, rust: Trace,
            deliberate: Sequence[Difference] = DIFFERENCES) -> list[Found]:
    """The steps at which the traces differ, up to the first that is not deliberate."""
    if c.begin != rust.begin:
        return [Found(0, f'begins with {c.begin}', f'begins with {rust.begin}')]
    found: list[Found] = []
    models = Model(c.begin, follows=False), Model(rust.begin, follows=True)
    for index, step in enumerate(steps):
        done = [trace.steps[index] if index < len(trace.steps) else Done('nothing')
                for trace in (c, rust)]
        answers = [model.run(step, one) for model, one in zip(models, done, strict=True)]
        as_said = all(answer.fits(one) for answer, one in zip(answers, done, strict=True))
        if done[0] == done[1] and as_said:
            continue
        known = answers[0].result is not None or done[0].result == done[1].result
        name = kind(step, *done) if as_said and known else ''
        meant = next((one for one in deliberate if one.name == name), None)
        said = ['' if answer.fits(one) else f' where the model says {answer}'
                for answer, one in zip(answers, done, strict=True)]
        found.append(Found(index, f'{done[0]}{said[0]}', f'{done[1]}{said[1]}', meant))
        if not meant:
            break
    return found
