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
        match name:
            case 'create' if 'table' in arguments['map']:
                self.links[arguments['link']] = Link(arguments['map']['table'])
            case 'update' if 'table' in arguments['map'] and 'link' in arguments['link']:
                self.update(arguments['link']['link'], arguments['map']['table'])
            case 'by_id':
                self.alias(arguments['link'], self.links.get(arguments['of']))
            case 'pin' if 'link' in arguments['fd']:
                self.pins[arguments['path']] = self.links.get(arguments['fd']['link'])
            case 'pin':
                self.pins[arguments['path']] = None
            case 'open_pin':
                self.alias(arguments['link'], self.pins.get(arguments['path']))
            case 'close' if 'link' in arguments['fd']:
                self.links.pop(arguments['fd']['link'], None)
            case _:
                pass

    def alias(self, slot: int, link: Link | None) -> None:
        """Another descriptor for a link."""
        if link:
            self.links[slot] = link
        else:
            self.links.pop(slot, None)

    def update(self, slot: int, table: int) -> None:
        """A link that is updated."""
        link = self.links.get(slot)
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
