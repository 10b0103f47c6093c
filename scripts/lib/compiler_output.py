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

COMPILED = re.compile(r'^  CC (?:\[M\]|   )  (\S+)\.o$', re.M)

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


def compiled(output: str) -> set[str]:
    """The C files that were compiled."""
    return {f'{name}.c' for name in COMPILED.findall(output)}


def new(now: Counter[Complaint], before: Counter[Complaint], files: set[str]) -> list[str]:
    """What was not said before.

    What was said of code that moved to another file is not new: it is not said any more of
    one of the files that were compiled. A header is complained of once for each file that
    takes it in.
    """
    gone = Counter[str]()
    for (name, text), count in before.items():
        if name in files:
            gone[text] += max(0, count - now[name, text])
    found = []
    for (name, text), count in sorted(now.items()):
        more = count - before[name, text]
        if name.endswith('.h') and before[name, text]:
            more = 0
        moved = max(0, min(more, gone[text]))
        gone[text] -= moved
        if more > moved:
            found.append(f'{name}: {text}')
    return found


def errors(output: str, limit: int = 8) -> list[str]:
    """The lines of a failed build that say why."""
    lines = output.splitlines()
    return [line.strip() for line in lines if ERROR.search(line)][:limit] or lines[-limit:]
