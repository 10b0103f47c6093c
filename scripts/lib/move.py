# SPDX-License-Identifier: GPL-2.0-only
"""Moves definitions from one C file to another, unchanged.

A definition is named. It takes along the comment right above it, and lines like
EXPORT_SYMBOL(name) right below it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

COMMENT, STRING, CONTINUED = '\1', '\2', '\3'
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|\\\n', re.S)
# What may stand between the name of a variable and its value or end.
AFTER_NAME = r'\s*(?:\[[^\]]*\]\s*)*(?:__\w+\s*(?:\([^()]*\)\s*)?)*$'


class MoveError(Exception):
    """A definition cannot be moved as asked."""


@dataclass(frozen=True)
class Unit:
    """The lines from start up to end, which define something or are one directive."""
    start: int
    end: int
    code: str       # without comments, and with the insides of strings masked
    guarded: bool   # between #if and #endif

    def defines(self, name: str) -> bool:
        word = rf'\b{re.escape(name)}\b'
        if self.code.startswith('#'):
            return bool(re.match(rf'#\s*define\s+{word}', self.code))
        head = re.split(r'[{=;]', self.code, maxsplit=1)[0]
        if re.search(rf'\b(?:struct|union|enum)\s+{word}\s*$', head):
            return '{' in self.code
        if re.search(rf'{word}\s*\(', head):
            return bool(re.search(r'\)[^;=]*\{', self.code))
        # DEFINE_MUTEX(name), LIST_HEAD(name), DEFINE_PER_CPU(type, name)
        if re.search(rf'\b(?:DEFINE_\w+\(.*|[A-Z][A-Z0-9_]+\(\s*){word}', head):
            return not head.startswith('EXPORT_')
        return not head.startswith('extern') and bool(re.search(word + AFTER_NAME, head))


def masked(text: str) -> str:
    """The text with comments, strings and continued lines made harmless, of equal length."""
    def harmless(token: re.Match[str]) -> str:
        kind = {'/': COMMENT, '\\': CONTINUED}.get(token[0][0], STRING)
        return kind * len(token[0])
    return TOKEN.sub(harmless, text)


def rows(text: str) -> Iterator[tuple[int, int, str]]:
    """First line, end and masked text of each line; a comment's lines count as one."""
    line = seen = 0
    for row in masked(text).split('\n'):
        first, before = line, seen
        seen += len(row) + 1
        line += text.count('\n', before, seen)
        yield first, line, row


def units(text: str) -> list[Unit]:
    """The definitions, directives and other pieces at the top level of a C file."""
    found = []
    start, code, depth, level = None, '', 0, 0
    for first, end, row in rows(text):
        bare = row.replace(COMMENT, ' ')
        blank = not row.strip()
        directive = row.startswith('#') and not depth and not code.strip()
        if start is None and not blank:
            start = first
        code += bare + '\n'
        depth += len(re.findall(r'[{(]', bare)) - len(re.findall(r'[)}]', bare))
        if directive or row.startswith('}') or \
                (depth <= 0 and (blank or bare.rstrip().endswith((';', '}')))):
            if start is not None:
                found.append(Unit(start, first if blank else end, code.strip(), level > 0))
            start, code, depth = None, '', 0
        if directive:
            level += bool(re.match(r'#\s*if', row)) - bool(re.match(r'#\s*endif', row))
    return found


def find(pieces: Sequence[Unit], name: str, path: str) -> Unit:
    """The one definition of a name, with what belongs to it right below."""
    places = [place for place, unit in enumerate(pieces) if unit.defines(name)]
    if len(places) != 1:
        lines = ', '.join(str(pieces[place].start + 1) for place in places)
        raise MoveError(f'{path} defines {name} more than once (from lines {lines})' if places
                        else f'{path} does not define {name} at its top level')
    unit = pieces[places[0]]
    if unit.guarded:
        raise MoveError(f'{path} defines {name} between #if and #endif, which do not move along')
    for below in pieces[places[0] + 1:]:
        if below.start != unit.end or not re.fullmatch(rf'\w+\(\s*{name}\s*\);?', below.code):
            break
        unit = Unit(unit.start, below.end, unit.code, False)
    return unit


def move(source: str, target: str, names: Sequence[str], path: str) -> tuple[str, str]:
    """Both texts, after the definitions have gone from source to the end of target.

    The path is what an error calls the source.
    """
    lines = StringIO(source).readlines()
    pieces = units(source)
    moved = [find(pieces, name, path) for name in names]
    if len({unit.start for unit in moved}) != len(moved):
        raise MoveError(f'the recipe names a definition of {path} twice')
    last = None
    for unit in moved:
        # What stands together without a blank line stays together.
        if target and last != unit.start:
            target += '\n'
        target += ''.join(lines[unit.start:unit.end])
        last = unit.end
    return without(lines, moved), target


def without(lines: Sequence[str], moved: Sequence[Unit]) -> str:
    """The lines that stay, with one blank line where a definition was."""
    kept: list[str] = []
    line = 0
    for unit in sorted(moved, key=lambda unit: unit.start):
        kept += lines[line:unit.start]
        line = unit.end
        if line < len(lines) and not lines[line].strip() and (not kept or not kept[-1].strip()):
            line += 1
    kept += lines[line:]
    while kept and not kept[-1].strip():
        kept.pop()
    return ''.join(kept)
