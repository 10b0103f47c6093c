# SPDX-License-Identifier: GPL-2.0-only
"""How a command ends: its exit status, and what it prints when it fails."""

import sys
from collections.abc import Callable
from typing import NoReturn

from lib.errors import Failure
from lib.progress import note

INTERRUPTED = 130


def run(main: Callable[[], int | None]) -> NoReturn:
    """Ends the program with the status that main() returns, or with its failure."""
    try:
        status = main()
    except Failure as failure:
        note(f'error: {failure}')
        status = 1
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status or 0)
