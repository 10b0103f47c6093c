# SPDX-License-Identifier: GPL-2.0-only
"""What has happened in a sequence up to a step, as far as both kernels agree."""

from dataclasses import dataclass, field

from lib.fuzz.sequences import Done, Step, operation

# The implementation and the name of each table, as in tools/testing/struct_ops/fuzz.
TABLES = ((0, 'fz_a'), (1, 'fz_a'), (2, 'fz_a'), (0, 'fz_b'), (1, 'fz_b'), (2, 'reno'), (0, ''))


@dataclass
class Link:
    """A struct_ops link and the table behind it."""
    table: int


def slot(fd: object, kind: str) -> int | None:
    """The number of a table or link; the wrong descriptors have a name only."""
    return fd.get(kind) if isinstance(fd, dict) else None


@dataclass
class History:
    """Which tables were replaced, by which, and where."""
    links: dict[int, Link] = field(default_factory=dict)
    pins: dict[int, Link | None] = field(default_factory=dict)
    newer: dict[int, set[int]] = field(default_factory=dict)
    # Names whose sockets, defaults or permissions C and Rust may see differently.
    updated: set[str] = field(default_factory=set)

    def add(self, step: Step, done: Done) -> None:
        """Takes in a step that did the same on both kernels."""
        if not done.result.startswith('ok'):
            return
        name, arguments = operation(step)
        table, link = (slot(arguments.get(key), kind)
                       for key, kind in (('map', 'table'), ('fd', 'link')))
        match name:
            case 'create' if table is not None:
                self.links[arguments['link']] = Link(table)
            case 'update' if table is not None:
                self.update(slot(arguments['link'], 'link'), table)
            case 'by_id':
                self.alias(arguments['link'], self.links.get(arguments['of']))
            case 'pin':
                self.pins[arguments['path']] = None if link is None else self.links.get(link)
            case 'open_pin':
                self.alias(arguments['link'], self.pins.get(arguments['path']))
            case 'close' if link is not None:
                self.links.pop(link, None)
            case _:
                pass

    def alias(self, number: int, link: Link | None) -> None:
        """Another descriptor for a link."""
        if link:
            self.links[number] = link
        else:
            self.links.pop(number, None)

    def update(self, number: int | None, table: int) -> None:
        """A link that is updated."""
        link = None if number is None else self.links.get(number)
        if link and link.table != table:
            self.newer.setdefault(link.table, set()).add(table)
            self.updated.add(TABLES[table][1])
            link.table = table

    def followers(self, implementation: int) -> set[int]:
        """The implementations that may follow one by updates."""
        todo = [table for table, (own, _) in enumerate(TABLES) if own == implementation]
        found: set[int] = set()
        while todo:
            for table in self.newer.get(todo.pop(), ()):
                if table not in found:
                    found.add(table)
                    todo.append(table)
        return {TABLES[table][0] for table in found}
