# SPDX-License-Identifier: GPL-2.0-only
"""Makes a sequence as short as can be, many candidates a boot."""

from collections.abc import Callable, Iterator, Sequence

from lib.fuzz.sequences import Steps, operation

WIDTH = 256     # candidates, at most, that are run at once

# Which of the candidates still show what the sequence shows.
Judge = Callable[[Sequence[Steps]], Sequence[bool]]


def shorter(steps: Steps) -> Iterator[Steps]:
    """The sequence without one part of it, large parts first."""
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield steps[:start] + steps[start + size:]
        size //= 2


def simpler(steps: Steps) -> Iterator[Steps]:
    """The sequence with one argument made simpler: a number 0, a list shorter, a switch off."""
    for index, step in enumerate(steps):
        name, arguments = operation(step)
        for key, value in arguments.items():
            smaller: list[object] = []
            if isinstance(value, bool):
                smaller = [False] if value else []
            elif isinstance(value, int):
                smaller = [0] if value else []
            elif isinstance(value, list):
                smaller = [value[:-1], value[:len(value) // 2]] if value else []
            for simple in smaller:
                yield [*steps[:index], {name: {**arguments, key: simple}}, *steps[index + 1:]]


def shrink(steps: Steps, judge: Judge) -> Steps:
    """A sequence that shows the same, and of which no part can be left out."""
    while True:
        for ways in (shorter, simpler):
            candidates = [candidate for candidate in ways(steps) if candidate][:WIDTH]
            found = [candidate for candidate, still in
                     zip(candidates, judge(candidates) if candidates else (), strict=True) if still]
            if found:
                steps = min(found, key=len)
                break
        else:
            return steps
