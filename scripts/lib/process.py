# SPDX-License-Identifier: GPL-2.0-only
"""Programs that run for long: their output goes to a log, their progress is shown."""

import os
import selectors
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lib.errors import Failure
from lib.estimate import Estimate
from lib.progress import TICK, Progress

TAIL = 15         # lines of a log that a failure shows


def run_logged(title: str, argv: Sequence[str | Path], log: Path,
               env: Mapping[str, str] | None = None, cwd: Path | None = None, *,
               counts: Callable[[str], bool] | None = None,
               estimate: Estimate | None = None) -> int:
    """Runs argv with its output in log and returns its exit status.

    Progress is counted in lines for which counts() is true; estimate says how
    many of them there will be.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(title, estimate)
    try:
        child = subprocess.Popen([str(arg) for arg in argv], env=env, cwd=cwd,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
    except FileNotFoundError as error:
        progress.end('failed')
        raise Failure(f'{error.filename} is missing: run make setup') from error
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
    """Runs argv like run_logged(), and raises a Failure with the end of its log when it fails."""
    status = run_logged(title, argv, log, env, cwd, counts=counts, estimate=estimate)
    if status:
        tail = log.read_text(encoding='utf-8').splitlines()[-TAIL:]
        raise Failure('\n'.join([f'{title} failed (exit status {status}); its whole output is in '
                                 f'{log}, which ends with:', *(f'  {line}' for line in tail)]))
