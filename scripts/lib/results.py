# SPDX-License-Identifier: GPL-2.0-only
"""What a part of the tests found, kept as build/results/NAME.json."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lib.paths import RESULTS

AGAIN = 'boots-again'


@dataclass
class Result:
    """Counts, and the names of what was skipped and of what failed."""
    name: str
    passed: int
    failed: int
    skipped: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def path(name: str) -> Path:
    return RESULTS / f'{name}.json'


def write(result: Result) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    path(result.name).write_text(json.dumps(asdict(result), indent=2) + '\n', encoding='utf-8')


def read(name: str) -> Result | None:
    """A part's counts, or None where it left none that can be read."""
    try:
        return Result(**json.loads(path(name).read_text(encoding='utf-8')))
    except (OSError, ValueError, TypeError):
        return None


def boots_again() -> list[str]:
    """The logs of the boots that did not count, of all the parts so far."""
    file = RESULTS / AGAIN
    return file.read_text(encoding='utf-8').splitlines() if file.exists() else []


def forget_boots_again() -> None:
    (RESULTS / AGAIN).unlink(missing_ok=True)


def count_boot_again(log: Path) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    with open(RESULTS / AGAIN, 'a', encoding='utf-8') as file:
        print(log, file=file)


def last_line(results: Iterable[Result]) -> str:
    results = list(results)
    return (f'{sum(r.passed for r in results)} passed, '
            f'{sum(r.failed for r in results)} failed')
