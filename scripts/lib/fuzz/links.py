# SPDX-License-Identifier: GPL-2.0-only
"""Which tables the links of a sequence have registered."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lib.fuzz.sequences import Arguments

# The commands of bpf(2) that a malformed call can get right.
COMMANDS = {29: 'update', 34: 'detach'}


@dataclass(eq=False)
class Link:
    """A link, and the table behind it."""
    table: int
    attached: bool = True

    def update(self, table: int) -> tuple[int, int]:
        """Replaces the table; returns the old and the new one."""
        old, self.table = self.table, table
        return old, table


def slot(fd: object, kind: str) -> int | None:
    """The number of a table or link; the wrong descriptors have a name only."""
    return fd.get(kind) if isinstance(fd, dict) else None


@dataclass
class Links:
    """The links that descriptors and pins hold; what is no struct_ops link is None."""
    open: dict[int, Link | None] = field(default_factory=dict)
    pins: dict[int, Link | None] = field(default_factory=dict)
    unlinked: list[Link | None] = field(default_factory=list)    # held until the end

    def registered(self) -> Iterator[int]:
        """The tables that are registered."""
        held = (*self.open.values(), *self.pins.values(), *self.unlinked)
        return (link.table for link in held if link and link.attached)

    def find(self, fd: object) -> Link | None:
        """The link of a descriptor, if it is one."""
        number = slot(fd, 'link')
        return None if number is None else self.open.get(number)

    def run(self, name: str, arguments: Arguments) -> tuple[int, int] | None:
        """Takes in a step that succeeded; returns the old and the new table of an update."""
        if name == 'raw':
            name, arguments = well_formed(arguments)
        link, table = self.find(arguments.get('link')), slot(arguments.get('map'), 'table')
        match name:
            case 'create' if table is not None:
                self.open[arguments['link']] = Link(table)
            case 'update' if link and table is not None:
                return link.update(table)
            case 'detach' if link:
                link.attached = False
            case 'by_id':
                self.open[arguments['link']] = self.open.get(arguments['of'])
            case 'pin':
                self.pins[arguments['path']] = self.find(arguments['fd'])
            case 'open_pin':
                self.open[arguments['link']] = self.pins.get(arguments['path'])
            case 'unlink':
                self.unlinked.append(self.pins.pop(arguments['path'], None))
            case 'close' if (number := slot(arguments['fd'], 'link')) is not None:
                self.open.pop(number, None)
            case _:
                pass
        return None


def well_formed(raw: Arguments) -> tuple[str, Arguments]:
    """The step that a malformed call has come to, as far as it changes links."""
    fds = [word['fd'] for word in raw['words'] if 'fd' in word]
    return COMMANDS.get(raw['command'], ''), dict(zip(('link', 'map'), fds, strict=False))
