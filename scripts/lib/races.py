# SPDX-License-Identifier: GPL-2.0-only
"""The data races that KCSAN reports, and which of them are in the project's code.

A strict KCSAN reports hundreds in the rest of the kernel. A race is the project's if
one of its accesses is: by its own code, by what is inlined there, or by a helper that
the code called.
"""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lib import toolchain
from lib.progress import note
from lib.splat import STAMP

TITLE = re.compile(r'BUG: KCSAN: (?:data-race|assert: race) in ')
ACCESS = re.compile(r'(?:race at unknown origin, with )?(?P<how>[a-z][a-z -]+(?: \([a-z, ]+\))?)'
                    r' to 0x[0-9a-f]+ of \d+ bytes by ')
FRAME = re.compile(r' (?P<name>[\w.$]+)\+0x(?P<offset>[0-9a-f]+)/0x(?P<size>[0-9a-f]+)'
                   r'(?: \[\w+\])?$')
END = re.compile(r'={20,}$')
# Where the project's code is, in files of its own and of upstream's.
OWN = re.compile(r'(?:^|/)(?:kernel/bpf/(?:bpf_)?struct_ops\w*\.(?:c|rs)'
                 r'|include/net/tcp_cong_\w+\.h|net/ipv4/(?:tcp_cong|bpf_tcp_ca)\w*\.(?:c|rs)'
                 r'|rust/kernel/(?:bpf|net/tcp)[/.]\S+)$')
TREE = '/../'    # ends the build folder in a name of a source file
# What others call for an access of theirs.
HELPER = re.compile(r'(?:^|/)(?:rust|lib|library)/')


@dataclass(frozen=True)
class Frame:
    """A function on the stack: its name, the offset in it, and its size."""
    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class Place:
    """A line of the source, and the function that it is in."""
    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f'{self.function} ({self.file}:{self.line})'


@dataclass(frozen=True)
class Access:
    """How the memory is accessed, and the stack, innermost function first."""
    how: str
    stack: tuple[Frame, ...]


Race = tuple[Access, ...]
# The places of a frame: a function, and what it is inlined in.
Places = Mapping[Frame, Sequence[Place]]


def read(log: str) -> list[Race]:
    """The races that a kernel's log reports."""
    races: list[Race] = []
    accesses: list[Access] | None = None
    for line in log.splitlines():
        text = STAMP.sub('', line.rstrip('\r'))
        if TITLE.match(text):
            accesses = []
        elif accesses is None:
            continue
        elif END.match(text):
            races.append(tuple(accesses))
            accesses = None
        elif access := ACCESS.match(text):
            accesses.append(Access(access['how'], ()))
        elif (frame := FRAME.match(text)) and accesses:
            found = Frame(frame['name'], int(frame['offset'], 16), int(frame['size'], 16))
            accesses[-1] = Access(accesses[-1].how, (*accesses[-1].stack, found))
    return races


def symbols(vmlinux: Path) -> Iterator[tuple[str, int]]:
    """The names and addresses of a kernel's functions."""
    listing = subprocess.run(['nm', '--defined-only', vmlinux], capture_output=True, text=True,
                             check=True)
    for line in listing.stdout.splitlines():
        address, kind, name = line.split(maxsplit=2)
        if kind in 'tTwW':
            yield name, int(address, 16)


def places(frames: Iterable[Frame], vmlinux: Path) -> Places:
    """Where the calls of these frames are; nothing for what vmlinux does not have."""
    known = dict(symbols(vmlinux))
    wanted = [frame for frame in dict.fromkeys(frames) if frame.name in known]
    # A frame has the address that the call returns to.
    addresses = ''.join(f'{known[frame.name] + frame.offset - 1:#x}\n' for frame in wanted)
    found = subprocess.run(
        ['llvm-symbolizer', f'--obj={vmlinux}', '--inlines', '--output-style=JSON'],
        input=addresses, capture_output=True, text=True, check=True, env=toolchain.environment())
    return {frame: [Place(one['FunctionName'], one['FileName'].split(TREE)[-1], one['Line'])
                    for one in json.loads(line).get('Symbol', ())]
            for frame, line in zip(wanted, found.stdout.splitlines(), strict=True)}


def accessor(access: Access, where: Places) -> Sequence[Place]:
    """The places of the function that accesses, or has a helper access."""
    for frame in access.stack:
        found = where.get(frame, ())
        if found and (any(OWN.search(place.file) for place in found)
                      or not HELPER.search(found[-1].file)):
            return found
        if not found:
            break
    return ()


def is_own(race: Race, where: Places) -> bool:
    """Whether one of the accesses is by the project's code."""
    return any(OWN.search(place.file) for access in race for place in accessor(access, where))


def describe(race: Race, where: Places) -> str:
    """The accesses of a race, and where they are."""
    def one(access: Access) -> str:
        found = accessor(access, where)
        name = access.stack[0].name if access.stack else 'nothing known'
        return f'{access.how} in {" in ".join(map(str, found)) or name}'
    return '; '.join(one(access) for access in race)


def sort(races: Iterable[Race], where: Places) -> tuple[Counter[str], Counter[str]]:
    """How often each race was reported: those of the project's code, and all others."""
    own: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for race in races:
        (own if is_own(race, where) else others)[describe(race, where)] += 1
    return own, others


def judge(log: str, vmlinux: Path, out: Path) -> list[str]:
    """Writes all races that a log reports to a file; returns lines on the project's own."""
    races = read(log)
    if not races:
        return []
    where = places((frame for race in races for access in race for frame in access.stack), vmlinux)
    own, others = sort(races, where)
    lines = [[f'{count} times: {race}' for race, count in found.most_common()]
             for found in (own, others)]
    out.write_text('\n'.join((f'{len(own)} races in the project\'s code', *lines[0], '',
                              f'{len(others)} races elsewhere', *lines[1], '')), encoding='utf-8')
    note(f'KCSAN reported {len(own)} data races in the project\'s code and {len(others)} '
         f'elsewhere: {out}')
    return lines[0]
