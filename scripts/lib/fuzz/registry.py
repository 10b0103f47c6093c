# SPDX-License-Identifier: GPL-2.0-only
"""The registered congestion controls, as C and Rust keep them."""

from collections.abc import Iterable
from dataclasses import dataclass

# The implementation and the name of each table, as in tools/testing/struct_ops/fuzz.
TABLES = ((0, 'fz_a'), (1, 'fz_a'), (2, 'fz_a'), (0, 'fz_b'), (1, 'fz_b'), (2, 'reno'), (0, ''))


@dataclass(eq=False)
class Table:
    """A congestion control; one that is built in has no implementation of the fuzzer's."""
    name: str
    implementation: int | None = None
    allowed: bool = False              # to ordinary users
    replaced: bool = False
    lineage: object | None = None      # the same for what follows by updates, in Rust


class Registry:
    """What is registered, in the order in which it is listed."""

    def __init__(self, builtin: Iterable[str], allowed: Iterable[str], follows: bool) -> None:
        self.listed = [Table(name) for name in builtin]
        self.tables = [Table(name, number) for number, name in TABLES]
        self.follows = follows     # whether sockets, defaults and permissions follow updates
        self.allow(allowed)

    def find(self, name: str) -> Table | None:
        return next((table for table in self.listed if table.name == name), None)

    def allow(self, names: Iterable[str]) -> None:
        """Lets ordinary users choose these, and no others."""
        wanted = set(names)
        for table in self.listed:
            table.allowed = table.name in wanted

    def keep(self, numbers: Iterable[int]) -> None:
        """Registers and unregisters, so that of the fuzzer's tables these are registered."""
        wanted = [self.tables[number] for number in dict.fromkeys(numbers)]
        self.listed = [table for table in self.listed
                       if table.implementation is None or table in wanted]
        for table in wanted:
            if table not in self.listed:
                table.allowed &= not (self.follows and table.replaced)
                table.replaced = False
                table.lineage = table.lineage or object()
                self.listed.append(table)

    def replace(self, old: int, new: int) -> tuple[Table, Table]:
        """Replaces a table by another one."""
        before, after = self.tables[old], self.tables[new]
        if before is after:
            return before, after
        place = self.listed.index(before)
        del self.listed[place]
        if self.follows:
            after.allowed, after.lineage = before.allowed, before.lineage
            after.replaced, before.replaced = False, True
            self.listed.insert(place, after)
        else:
            self.listed.append(after)
        return before, after

    def current(self, table: Table) -> Table | None:
        """The table itself, unless it was replaced; then the one that follows, if registered."""
        if not table.replaced:
            return table
        return next((other for other in self.listed if other.lineage is table.lineage), None)
