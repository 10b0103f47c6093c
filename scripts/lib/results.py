# SPDX-License-Identifier: GPL-2.0-only
"""What a part of the tests found, kept as build/results/NAME.json."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lib.paths import RESULTS


@dataclass
class Result:
    name: str
    passed: int
    failed: int
    skipped: int
    failures: list[str]


def path(name: str) -> Path:
    return RESULTS / f'{name}.json'


def write(name: str, passed: int, failed: int, skipped: int = 0,
          failures: Sequence[str] = ()) -> Result:
    """Keeps a part's counts, with the names of what failed (or was skipped)."""
    result = Result(name, passed, failed, skipped, list(failures))
    RESULTS.mkdir(parents=True, exist_ok=True)
    path(name).write_text(json.dumps(asdict(result), indent=2) + '\n', encoding='utf-8')
    return result


def read(name: str) -> Result | None:
    """A part's counts, or None where it left none that can be read."""
    try:
        return Result(**json.loads(path(name).read_text(encoding='utf-8')))
    except (OSError, ValueError, TypeError):
        return None


def last_line(results: Iterable[Result]) -> str:
    results = list(results)
    return (f'{sum(r.passed for r in results)} passed, '
            f'{sum(r.failed for r in results)} failed')
