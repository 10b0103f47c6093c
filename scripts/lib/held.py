# SPDX-License-Identifier: GPL-2.0-only
"""Output that is held back until it is known to count."""

import tempfile
from typing import Protocol, Self


class Sink(Protocol):
    """Where a stream of bytes goes."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


class Held:
    """Keeps what is written to streams, and writes it to them at the end unless it is dropped."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - __exit__ closes it
        self.pieces: list[tuple[Sink, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.file:
            self.file.seek(0)
            for sink, length in self.pieces:
                sink.write(self.file.read(length))
                sink.flush()

    def stream(self, sink: Sink) -> 'HeldStream':
        return HeldStream(self, sink)

    def drop(self) -> None:
        self.pieces.clear()


class HeldStream:
    """Stands for one of the streams while it is written to."""

    def __init__(self, held: Held, sink: Sink) -> None:
        self.held, self.sink = held, sink

    def write(self, data: bytes, /) -> None:
        self.held.file.write(data)
        self.held.pieces.append((self.sink, len(data)))

    def flush(self) -> None:
        pass
