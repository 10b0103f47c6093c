# SPDX-License-Identifier: GPL-2.0-only
"""What a suite is: how it is built, how it is run in the guest, how it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib.kernel import Kernel


@dataclass(frozen=True)
class Suite:
    """Some of upstream's tests.

    build() returns the folder of their programs, which are built once, against the C
    kernel: both kernels run the same ones. script() is what the guest runs there,
    and parse() makes a verdict for each test of its output.
    """
    build: Callable[[Kernel], Path]
    script: Callable[[Kernel], str]
    parse: Callable[[str], dict[str, str]]
    timeout: int           # seconds, for all of it under emulation
    memory: str = '2G'
