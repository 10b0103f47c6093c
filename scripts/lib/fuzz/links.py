# SPDX-License-Identifier: GPL-2.0-only
"""Which tables the links of a sequence have registered."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lib.fuzz.sequences import Arguments

DETACH, UPDATE = 34, 29    # the commands of bpf(2) that a malformed call can get right


@dataclass(eq=False)
class Link:
    """A link, and the table behind it."""
    table: int
    attached: bool = True


def slot(fd: object, kind: str) -> int | None:
    """The number of a table or link; the wrong descriptors have a name only."""
    return fd.get(kind) if isinstance(fd, dict) else None


@dataclass
class Links:
    """The links that descriptors and pins hold."""
    open: dict[int, Link] = field(default_factory=dict)
    pins: dict[int, Link | None] = field(default_factory=dict)
    unlinked: list[Link | None] = field(default_factory=list)    # held until the end

    def registered(self) -> Iterator[int]:
        """The tables that are registered."""
        held = (*self.open.values(), *self.pins.values(), *self.unlinked)
        return (link.table for link in held if link and link.attached)

    def run(self, name: str, arguments: Arguments) -> tuple[int, int] | None:
        """Takes in a step that succeeded; returns the old and the new table of an update."""
        table, link = (slot(arguments.get(key), kind)
                       for key, kind in (('map', 'table'), ('fd', 'link')))
        match name:
            case 'create' if table is not None:
                self.open[arguments['link']] = Link(table)
            case 'update' if table is not None:
                return self.update(slot(arguments['link'], 'link'), table)
            case 'detach':
                self.detach(slot(arguments['link'], 'link'))
            case 'by_id':
                self.alias(arguments['link'], self.open.get(arguments['of']))
            case 'pin':
                self.pins[arguments['path']] = None if link is None else self.open.get(link)
            case 'open_pin':
                self.alias(arguments['link'], self.pins.get(arguments['path']))
            case 'unlink':
                self.unlinked.append(self.pins.pop(arguments['path'], None))
            case 'close' if link is not None:
                self.open.pop(link, None)
            case 'raw':
                return self.raw(arguments['command'], arguments['words'])
            case _:
                pass
        return None

    def raw(self, command: int, words: list[object]) -> tuple[int, int] | None:
        """A call with a malformed attribute."""
        fds = [word['fd'] for word in words if isinstance(word, dict) and 'fd' in word]
        link = slot(fds[0], 'link') if fds else None
        table = slot(fds[1], 'table') if len(fds) > 1 else None
        if command == DETACH:
            self.detach(link)
        return self.update(link, table) if command == UPDATE and table is not None else None

    def alias(self, number: int, link: Link | None) -> None:
        """Another descriptor for a link."""
        if link:
            self.open[number] = link
        else:
            self.open.pop(number, None)

    def update(self, number: int | None, table: int) -> tuple[int, int] | None:
        """A link that is updated."""
        link = None if number is None else self.open.get(number)
        if not link:
            return None
        old, link.table = link.table, table
        return old, table

    def detach(self, number: int | None) -> None:
        """A link that is detached."""
        link = None if number is None else self.open.get(number)
        if link:
            link.attached = False
