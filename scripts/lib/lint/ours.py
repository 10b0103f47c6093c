# SPDX-License-Identifier: GPL-2.0-only
"""Which lines of the kernel tree are the project's, and what compilers say of them."""

import difflib
import re
from collections.abc import Callable, Mapping

from lib import compiler_output, tree
from lib.content import Content


def added(old: bytes, new: bytes) -> set[int]:
    """The numbers of the lines in new that old has not."""
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    return {number + 1 for tag, _, _, start, end in matcher.get_opcodes() if tag != 'equal'
            for number in range(start, end)}


class Ours:
    """The project's lines: its own files, and what its patches add to others."""

    def __init__(self, wanted: Mapping[str, Content | None],
                 original: Callable[[str], Content | None]) -> None:
        self.lines: dict[str, set[int] | None] = {}     # None: every line
        for name, content in wanted.items():
            old = original(name)
            if content:
                self.lines[name] = added(old.data, content.data) if old else None

    def named(self, pattern: str) -> list[str]:
        return [name for name in self.lines if re.fullmatch(pattern, name)]

    def has(self, name: str, line: int) -> bool:
        if name not in self.lines:
            return False
        lines = self.lines[name]
        return lines is None or line in lines

    def complaints(self, output: str) -> list[str]:
        """What compilers said of these lines."""
        return list(dict.fromkeys(
            f'{name}:{line}: {text}'
            for name, line, text in compiler_output.said(output, tree.prepared().root)
            if self.has(name, line)))
