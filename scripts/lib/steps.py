# SPDX-License-Identifier: GPL-2.0-only
"""Former names, for the files that still use them."""

import sys
from typing import NoReturn

from lib.lock import lock
from lib.process import run_logged, step
from lib.progress import clock, note

__all__ = ('clock', 'fail', 'lock', 'note', 'run_logged', 'step')


def fail(message: str) -> NoReturn:
    note(f'error: {message}')
    sys.exit(1)
