# SPDX-License-Identifier: GPL-2.0-only
"""Messages, and lines that show how far a long step is."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from lib.estimate import Estimate

TICK = 0.25       # seconds between two updates of the line on a terminal
HEARTBEAT = 60.0  # and between two lines elsewhere


def note(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """Seconds as people read them: 0:07, 12:34, 1:02:03."""
    minutes, secs = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{secs:02}' if hours else f'{minutes}:{secs:02}'


def left(seconds: float) -> str:
    """A remaining time, as exact as an estimate is."""
    minutes = round(seconds / 60)
    return f'about {minutes} min left' if minutes else 'less than a minute left'


class Progress:
    """One line that is redrawn on a terminal, and repeated every minute elsewhere."""

    def __init__(self, title: str, estimate: Estimate | None = None,
                 total: int | None = None) -> None:
        self.title, self.estimate, self.count = title, estimate, 0
        self.total = estimate.total if estimate else total
        self.start = self.shown = time.monotonic()
        self.live = sys.stderr.isatty()
        if not self.live:
            note(f'{title} ...')

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.start

    def __str__(self) -> str:
        done = ''
        if self.count:
            # An estimated total is none that is known.
            about = '~' if self.estimate else ''
            done = f'  {self.count}/{about}{self.total}' if self.total else f'  {self.count}'
        return f'{self.title}{done}  {clock(self.elapsed)}'

    def advance(self) -> None:
        self.count += 1
        if self.estimate:
            self.estimate.add(self.count, self.elapsed)

    def tick(self) -> None:
        now = time.monotonic()
        if now - self.shown < (TICK if self.live else HEARTBEAT):
            return
        self.shown = now
        remaining = self.estimate.remaining(self.count, self.elapsed) if self.estimate else None
        line = f'{self}, {left(remaining)}' if remaining is not None else str(self)
        if self.live:
            print(f'\r\033[K{line}', end='', file=sys.stderr, flush=True)
        else:
            note(line)

    def end(self, word: str) -> None:
        if self.live:
            print('\r\033[K', end='', file=sys.stderr)
        note(f'{self}  {word}')


@contextmanager
def watched(title: str, count: Callable[[], int] = lambda: 0,
            total: int | None = None) -> Iterator[None]:
    """Shows the progress of a step that does not show it itself; count() says how far it is."""
    shown, over = Progress(title, total=total), Event()

    def watch() -> None:
        ended = False
        while not ended:
            ended = over.wait(TICK)
            shown.count = count()
            shown.tick()

    watcher = Thread(target=watch)
    watcher.start()
    word = 'failed'
    try:
        yield
        word = 'done'
    finally:
        over.set()
        watcher.join()
        shown.end(word)
