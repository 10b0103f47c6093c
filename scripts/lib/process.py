# SPDX-License-Identifier: GPL-2.0-only
"""Programs that run for long: their output goes to a log, their progress is shown."""

import os
import selectors
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lib.errors import Failure
from lib.estimate import Estimate
from lib.progress import TICK, Progress, note, watched

TAIL = 15         # lines of a log that a failure shows


def start(argv: Sequence[str | Path], output: int | IO[bytes], env: Mapping[str, str] | None,
          cwd: Path | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen([str(arg) for arg in argv], env=env, cwd=cwd,
                                stdin=subprocess.DEVNULL, stdout=output,
                                stderr=subprocess.STDOUT)
    except FileNotFoundError as error:
        raise Failure(f'{error.filename} is missing: run make setup') from error


def check(title: str, status: int, log: Path) -> None:
    """Raises a Failure with the end of the log, unless the status is 0."""
    if status:
        tail = log.read_text(encoding='utf-8', errors='replace').splitlines()[-TAIL:]
        raise Failure('\n'.join([f'{title} failed (exit status {status}); its whole output is in '
                                 f'{log}, which ends with:', *(f'  {line}' for line in tail)]))


def run_logged(title: str, argv: Sequence[str | Path], log: Path,
               env: Mapping[str, str] | None = None, cwd: Path | None = None, *,
               counts: Callable[[str], bool] | None = None,
               estimate: Estimate | None = None) -> int:
    """Runs argv with its output in log and returns its exit status.

    Progress is counted in lines for which counts() is true; estimate says how
    many of them there will be.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    child = start(argv, subprocess.PIPE, env, cwd)
    progress = Progress(title, estimate)
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
                    if counts and counts(line):
                        progress.advance()
            out.write(rest.decode(errors='replace'))
        except KeyboardInterrupt:
            child.terminate()
            progress.end('interrupted')
            raise
    progress.end('failed' if child.returncode else 'done')
    if estimate and not child.returncode:
        estimate.keep(progress.elapsed)
    return child.returncode


def step(title: str, argv: Sequence[str | Path], log: Path,
         env: Mapping[str, str] | None = None, cwd: Path | None = None, *,
         counts: Callable[[str], bool] | None = None,
         estimate: Estimate | None = None) -> None:
    """Runs argv like run_logged(), and raises a Failure when it fails."""
    check(title, run_logged(title, argv, log, env, cwd, counts=counts, estimate=estimate), log)


@contextmanager
def beside(title: str, argv: Sequence[str | Path], log: Path,
           env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Iterator[None]:
    """Runs argv while the body runs, and waits for it at the end of the body."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'wb') as output, start(argv, output, env, cwd) as child:
        note(f'{title}, beside what follows ...')
        try:
            yield
        except BaseException:
            child.terminate()
            raise
        with watched(title):
            status = child.wait()
    check(title, status, log)
