# SPDX-License-Identifier: GPL-2.0-only
"""Locks on the cache, which several runs may share."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from lib.paths import cache
from lib.progress import note

held: dict[str, IO[str]] = {}


@contextmanager
def lock(name: str = 'lock') -> Iterator[None]:
    """Keeps two runs from changing the cache at once; the second one waits.

    A run may take a lock again while it holds it. The lock without a name is for
    those who prepare the tree and build; what is also used on its own has a lock of
    its own.
    """
    if name in held:
        yield
        return
    with open(cache() / name, 'a', encoding='utf-8') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note('waiting for another run that is using the cache ...')
            fcntl.flock(file, fcntl.LOCK_EX)
        held[name] = file
        try:
            yield
        finally:
            del held[name]
