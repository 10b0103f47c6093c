# SPDX-License-Identifier: GPL-2.0-only
"""What a suite is: how it is built, how it is run in the guest, how it is read."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from lib.kernel import Kernel
from lib.suites.tries import Tries


@dataclass(frozen=True)
class Suite:
    """Some of upstream's tests.

    build() returns the folder of their programs, which are built once, against the C
    kernel: both kernels run the same ones. script() is what the guest runs there: some
    programs, or all if none is named. parse() makes a verdict for each test of its
    output; the program is what the test's name begins with, up to a slash.
    """
    build: Callable[[Kernel], Path]
    script: Callable[[Kernel, Collection[str]], str]
    parse: Callable[[str], dict[str, Tries]]
    timeout: int           # seconds, for all of it under emulation
    memory: str = '2G'
