# SPDX-License-Identifier: GPL-2.0-only
"""In what the Rust kernel differs from the C one on purpose, and what else is found.

Each difference is one of Documentation/networking/tcp_cong_update.rst or
Documentation/bpf/struct_ops_link.rst. Those that these sequences cannot show (latency,
a list that is read during an update, subsystems that return positive numbers) are left
out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lib.fuzz.history import History
from lib.fuzz.sequences import Done, Step, Steps, Trace, operation


@dataclass(frozen=True)
class Situation:
    """A step that did not do the same on both kernels."""
    history: History
    step: Step
    c: Done
    rust: Done

    @property
    def operation(self) -> str:
        return operation(self.step)[0]

    @property
    def arguments(self) -> dict[str, object]:
        return operation(self.step)[1]


@dataclass(frozen=True)
class Difference:
    """A deliberate one."""
    name: str
    reason: str
    is_meant: Callable[[Situation], bool]


def names(done: Done) -> list[str] | None:
    """The names that a sysctl lists, without 'ok'."""
    word, *found = done.result.split()
    return found if word == 'ok' else None


def is_sysctl(it: Situation, which: str) -> bool:
    return it.operation == 'read' and it.arguments['sysctl'] == which


def position(it: Situation) -> bool:
    """The same names in the list of the available, those of fuzz in another order."""
    if not is_sysctl(it, 'available'):
        return False
    c, rust = names(it.c), names(it.rust)
    if c is None or rust is None or sorted(c) != sorted(rust):
        return False
    return bool(it.history.updated) and [n for n in c if n not in it.history.updated] == [
        n for n in rust if n not in it.history.updated]


def permission(it: Situation) -> bool:
    """A name that was updated is allowed in Rust, and not in C."""
    if is_sysctl(it, 'allowed'):
        c, rust = names(it.c), names(it.rust)
        if c is None or rust is None:
            return False
        return (sorted(c) == sorted(rust) and bool(it.history.updated)) or (
            set(c) < set(rust) and set(rust) - set(c) <= it.history.updated)
    return (it.operation == 'set_cc' and it.arguments['ordinary'] is True
            and it.arguments['name'] in it.history.updated
            and it.c.result == 'EPERM' and it.rust.result == 'ok')


def newer(it: Situation) -> bool:
    """A connection starts on a table that follows, by updates, the one that C uses."""
    if it.c.result != it.rust.result or sum(it.c.started) != sum(it.rust.started):
        return False
    left = [c - rust for c, rust in zip(it.c.started, it.rust.started, strict=True)]
    only_c = [number for number, count in enumerate(left) if count > 0]
    only_rust = {number for number, count in enumerate(left) if count < 0}
    return bool(only_c) and all(only_rust & it.history.followers(number) for number in only_c)


DIFFERENCES = (
    Difference('position', 'an update moves the name to the end of the list in C', position),
    Difference('permission', 'an update takes the permission of ordinary users away in C',
               permission),
    Difference('newer', 'namespaces, listeners and sockets that chose before an update keep the '
               'old table in C', newer),
)


@dataclass(frozen=True)
class Found:
    """A step that differs, and the deliberate difference that it is, if it is one."""
    index: int
    c: str
    rust: str
    difference: Difference | None = None


def compare(steps: Steps, c: Trace, rust: Trace,
            deliberate: Sequence[Difference] = DIFFERENCES) -> list[Found]:
    """The steps at which the traces differ, up to the first that is not deliberate."""
    found: list[Found] = []
    if c.begin != rust.begin:
        return [Found(0, f'begins with {c.begin}', f'begins with {rust.begin}')]
    history = History()
    for index, step in enumerate(steps):
        left, right = (trace.steps[index] if index < len(trace.steps) else Done('nothing')
                       for trace in (c, rust))
        if left == right:
            history.add(step, left)
            continue
        it = Situation(history, step, left, right)
        meant = next((one for one in deliberate if one.is_meant(it)), None)
        found.append(Found(index, str(left), str(right), meant))
        if not meant:
            break
    return found
