# SPDX-License-Identifier: GPL-2.0-only
"""Which source files the wanted tests need."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lib.paths import TOP

# Upstream's tests of struct_ops and its clients, of links, and of what sets a congestion control.
# cgroup_link is not among them: it needs ping, which a guest may lack.
WANTED = ('struct_ops_*', 'test_struct_ops_*', 'bad_struct_ops', 'dummy_st_ops', 'pro_epilogue',
          'token', 'bpf_tcp_ca', 'bpf_qdisc', 'mptcp', 'test_bpf_smc', 'link_pinning',
          'bpf_iter_setsockopt', 'setget_sockopt')
BPF = Path('tools/testing/selftests/bpf')
OWN = TOP / BPF
# Folders of other test programs.
UNWANTED = ('prog_tests', 'progs', 'map_tests', 'verifier', 'benchs')


@dataclass(frozen=True)
class Tests:
    """The prog_tests files of one origin, with the tests that they define."""
    folder: Path
    files: list[Path]

    @property
    def names(self) -> list[str]:
        return sorted(name for file in self.files for name in defined(read(file)))


def read(file: Path) -> str:
    return file.read_text(encoding='utf-8')


def defined(source: str) -> list[str]:
    """The tests in a prog_tests file, by the names that test_progs gives them."""
    return re.findall(r'^void (?:serial_)?test_(\w+)\((?:void)?\)', source, re.M)


def loaded(source: str) -> set[str]:
    """The BPF programs that a prog_tests file loads."""
    return set(re.findall(r'"(\w+)\.(?:l?skel\.h|bpf\.o)"', source))


def find(folder: Path, own: bool) -> Tests:
    """The project's own tests, or those of upstream's that are wanted, in a folder of both."""
    own_names = {path.name for path in (OWN / 'prog_tests').glob('*.c')}
    files = {path for pattern in (['*'] if own else WANTED)
             for path in (folder / 'prog_tests').glob(f'{pattern}.c')
             if (path.name in own_names) == own}
    return Tests(folder, sorted(files))


def needed(tests: Tests) -> Iterator[Path]:
    """The tests' files, the programs that they load and the headers of both."""
    programs = {name for file in tests.files for name in loaded(read(file))}
    yield from tests.files
    for name in sorted(programs):
        program = tests.folder / f'progs/{name}.c'
        if program.exists():
            yield program
    for folder in ('prog_tests', 'progs'):
        yield from (tests.folder / folder).glob('*.h')


def common(upstream: Path) -> Iterator[Path]:
    """The rest of upstream's folder, which every build of test_progs needs."""
    for path in sorted(upstream.rglob('*')):
        if path.is_file() and path.relative_to(upstream).parts[0] not in UNWANTED:
            yield path
