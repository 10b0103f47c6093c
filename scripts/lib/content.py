# SPDX-License-Identifier: GPL-2.0-only
"""A file's content, and where upstream's files are found."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lib.errors import Failure


@dataclass(frozen=True)
class Content:
    data: bytes
    executable: bool = False

    @classmethod
    def of(cls, path: Path) -> 'Content | None':
        if not path.is_file():
            return None
        return cls(path.read_bytes(), os.access(path, os.X_OK))

    def put(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        path.chmod(0o755 if self.executable else 0o644)


class Originals(Protocol):
    """Where upstream's files are found."""

    def original(self, name: str) -> Content | None: ...


def check_overlay(own: Iterable[str], originals: Originals) -> None:
    """Fails when a file of the overlay's would hide one of upstream's."""
    for name in own:
        if originals.original(name):
            raise Failure(f'{name} is a file of upstream\'s: a change to it belongs in patches/')
