# SPDX-License-Identifier: GPL-2.0-only
"""A terminal that a program believes to run on."""

from __future__ import annotations

import os
import re
import subprocess
import termios
import threading
from typing import Self

from case import SETTINGS

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """ccswap on a terminal of its own, and what it shows there."""

    SIZE = (24, 120)

    def __init__(self, *args: object) -> None:
        self.screen, end = os.openpty()
        termios.tcsetwinsize(end, self.SIZE)
        argv = [str(SETTINGS.ccswap), *map(str, args)]
        self.process = subprocess.Popen(argv, stdin=end, stdout=end, stderr=end,
                                        env={**os.environ, "TERM": "xterm"})
        os.close(end)
        self.shown = bytearray()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        """Reads until the program has ended, which a terminal reports as an error."""
        try:
            while chunk := os.read(self.screen, 1 << 12):
                self.shown.extend(chunk)
        except OSError:
            pass

    @property
    def raw(self) -> str:
        """All that was written to it so far."""
        return self.shown.decode(errors="replace")

    @property
    def lines(self) -> list[list[str]]:
        """The words of each line that was drawn, again and again."""
        return [line.split() for line in ESCAPE.sub("", self.raw).splitlines()]

    def wait(self) -> int:
        """Waits for the program's end, and for all that it has written."""
        status = self.process.wait(timeout=120)
        self.reader.join()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.wait()
        os.close(self.screen)
