# SPDX-License-Identifier: GPL-2.0-only
"""What clang, rustc, clippy and sparse complain of while a kernel is built."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# 'file:line:column: warning: text' of clang and sparse, and the two lines of rustc.
CLANG = re.compile(r'^(?P<file>\S+?):(?P<line>\d+):\d+: (?:warning|error): (?P<text>.*)$')
RUSTC = re.compile(r'^ *--> (?P<file>\S+?):(?P<line>\d+):\d+$')
HEADING = re.compile(r'^(?:warning|error)\b[^:]*: (?P<text>.*)$')
ERROR = re.compile(r'\berror\b(?:\[E\d+\])?: |^make.*\*\*\*|undefined (?:reference|symbol)')

Complaint = tuple[str, str]     # a file of the kernel tree, and what is said of it


def said(output: str, src: Path) -> Iterator[tuple[str, int, str]]:
    """Files of the kernel tree src, lines, and what is said of them."""
    text = ''
    for line in output.splitlines():
        heading = HEADING.match(line)
        if heading:
            text = heading['text']
        found = CLANG.match(line) or RUSTC.match(line)
        if found:
            name = found['file'].removeprefix('../').removeprefix(f'{src}/')
            yield name, int(found['line']), found.groupdict().get('text', text)


def complaints(output: str, src: Path) -> Counter[Complaint]:
    """How often each file is complained of, and in what words."""
    return Counter((name, text) for name, _, text in said(output, src))


def new(now: Counter[Complaint], before: Counter[Complaint]) -> list[str]:
    """What was not said before. A header is complained of once for each file that takes it in."""
    return [f'{name}: {text}' for (name, text), count in sorted(now.items())
            if not before[name, text] or (not name.endswith('.h') and count > before[name, text])]


def errors(output: str, limit: int = 8) -> list[str]:
    """The lines of a failed build that say why."""
    lines = output.splitlines()
    return [line.strip() for line in lines if ERROR.search(line)][:limit] or lines[-limit:]
