# SPDX-License-Identifier: GPL-2.0-only
"""Long steps that show how far they are, and failures that say what to do."""

import fcntl
import os
import selectors
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, ClassVar, NoReturn

from lib.paths import cache

TICK = 0.25       # seconds between two looks at the clock on a terminal
HEARTBEAT = 60.0  # and between two lines where there is none
TAIL = 15         # lines of a log that a failure shows


def fail(message: str) -> NoReturn:
    """Ends the program with one sentence that says what happened."""
    print(f'error: {message}', file=sys.stderr)
    sys.exit(1)


def note(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """Seconds as people read them: 0:07, 12:34, 1:02:03."""
    minutes, secs = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{secs:02}' if hours else f'{minutes}:{secs:02}'


class Progress:
    """One line that is redrawn on a terminal, and repeated now and then elsewhere."""

    def __init__(self, title: str, total: int | None) -> None:
        self.title, self.total, self.count = title, total, 0
        self.start = self.shown = time.monotonic()
        self.live = sys.stderr.isatty()
        if not self.live:
            note(f'{title} ...')

    def __str__(self) -> str:
        done = ''
        if self.count:
            done = f'  {self.count}/~{self.total}' if self.total else f'  {self.count}'
        return f'{self.title}{done}  {clock(time.monotonic() - self.start)}'

    def tick(self) -> None:
        now = time.monotonic()
        if now - self.shown < (TICK if self.live else HEARTBEAT):
            return
        self.shown = now
        if self.live:
            print(f'\r\033[K{self}', end='', file=sys.stderr, flush=True)
        else:
            note(str(self))

    def end(self, word: str) -> None:
        if self.live:
            print('\r\033[K', end='', file=sys.stderr)
        note(f'{self}  {word}')


def run_logged(title: str, argv: Sequence[str | Path], log: Path,
               env: Mapping[str, str] | None = None, cwd: Path | None = None, *,
               counts: Callable[[str], bool] | None = None, total: int | None = None) -> int:
    """Runs argv with its output in log and returns its exit status.

    Lines for which counts() is true are what progress is measured in, total is
    about how many of them there will be.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(title, total)
    try:
        child = subprocess.Popen([str(arg) for arg in argv], env=env, cwd=cwd,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
    except FileNotFoundError as error:
        progress.end('failed')
        fail(f'{error.filename} is missing: run make setup')
    with child, open(log, 'w', encoding='utf-8', buffering=1) as out, \
            selectors.DefaultSelector() as selector:
        assert child.stdout is not None
        selector.register(child.stdout, selectors.EVENT_READ)
        data, rest = b'more', b''
        try:
            while data:
                progress.tick()
                if not selector.select(TICK):
                    continue
                data = os.read(child.stdout.fileno(), 1 << 16)
                *lines, rest = (rest + data).split(b'\n')
                for raw in lines:
                    line = raw.decode(errors='replace')
                    out.write(line + '\n')
                    progress.count += bool(counts and counts(line))
            out.write(rest.decode(errors='replace'))
        except KeyboardInterrupt:
            child.terminate()
            progress.end('interrupted')
            sys.exit(130)
    progress.end('failed' if child.returncode else 'done')
    return child.returncode


def step(title: str, argv: Sequence[str | Path], log: Path,
         env: Mapping[str, str] | None = None, cwd: Path | None = None, *,
         counts: Callable[[str], bool] | None = None, total: int | None = None) -> None:
    """Runs argv as run_logged() does; fails the program when it fails."""
    status = run_logged(title, argv, log, env, cwd, counts=counts, total=total)
    if status:
        for line in log.read_text(encoding='utf-8').splitlines()[-TAIL:]:
            print(f'  {line}', file=sys.stderr)
        fail(f'{title} failed (exit status {status}); the whole output is in {log}')


class lock:  # noqa: N801 - read as the verb that it is
    """Keeps two runs from changing the cache at once; the second one waits.

    A run may take it again while it holds it. What is used on its own, and not
    only by those who prepare and build, has a lock of its own.
    """

    depth: ClassVar[Counter[str]] = Counter()
    files: ClassVar[dict[str, IO[str]]] = {}

    def __init__(self, name: str = 'lock') -> None:
        self.name = name

    def __enter__(self) -> None:
        if not lock.depth[self.name]:
            file = lock.files[self.name] = open(cache() / self.name, 'a', encoding='utf-8')
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                note('waiting for another run that is using the cache ...')
                fcntl.flock(file, fcntl.LOCK_EX)
        lock.depth[self.name] += 1

    def __exit__(self, *_: object) -> None:
        lock.depth[self.name] -= 1
        if not lock.depth[self.name]:
            lock.files.pop(self.name).close()
