#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs BPF selftests in the guest: upstream's and the project's own.

Upstream's test_progs is built unmodified, from a copy of its folder that holds
only the wanted tests and the programs that they load.
"""

import argparse
import fnmatch
import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from lib import results, vm
from lib.kernel import Kernel
from lib.paths import LOG, TOP, cache
from lib.results import Result
from lib.steps import TICK, Progress, fail, lock, step

WANTED = ('bpf_tcp_ca', 'struct_ops_*', 'test_struct_ops_*', 'bpf_iter_setsockopt',
          'setget_sockopt')
BPF = Path('tools/testing/selftests/bpf')
OWN = TOP / BPF
DIFFERENCES = OWN / 'DIFFERENCES.upstream'
# Folders of other test programs, and what a build of the whole would make.
UNWANTED = ('prog_tests', 'progs', 'map_tests', 'verifier', 'benchs')
NOT_BUILT = ('LSKELS', 'LSKELS_SIGNED', 'LSKELS_EXTRA', 'LINKED_SKELS', 'LIBARENA_SKEL',
             'LIBARENA_ASAN_SKEL')
WATCHDOG = 300   # seconds that one test may take under emulation
TIMEOUT = 1800   # and all of them
BUILT = 340      # lines that a build from nothing prints, for the progress line


@dataclass(frozen=True)
class Tests:
    """The prog_tests files of one origin, with the tests that they define."""
    folder: Path
    files: list[Path]

    @property
    def names(self) -> list[str]:
        return sorted(name for file in self.files for name in defined(read(file)))


@dataclass(frozen=True)
class Difference:
    """What a test of the project's own finds on upstream's C code."""
    what: str      # fails or not-run
    name: str      # TEST/SUBTEST
    reason: str

    @property
    def test(self) -> str:
        return self.name.partition('/')[0]


@dataclass
class Outcome:
    """What came of a subtest, or of a test that has none."""
    name: str
    verdict: str
    reason: str = ''    # why a failure was expected

    @property
    def test(self) -> str:
        return self.name.partition('/')[0]

    @property
    def good(self) -> bool:
        return self.verdict == 'OK' or bool(self.reason)


def read(file: Path) -> str:
    return file.read_text(encoding='utf-8')


def defined(source: str) -> list[str]:
    """The tests in a prog_tests file, by the names that test_progs gives them."""
    return re.findall(r'^void (?:serial_)?test_(\w+)\((?:void)?\)', source, re.M)


def loaded(source: str) -> set[str]:
    """The BPF programs that a prog_tests file loads."""
    return set(re.findall(r'"(\w+)\.(?:l?skel\.h|bpf\.o)"', source))


def find(folder: Path, own: bool) -> Tests:
    mine = {path.name for path in (OWN / 'prog_tests').glob('*.c')}
    files = {path for pattern in (['*'] if own else WANTED)
             for path in (folder / 'prog_tests').glob(f'{pattern}.c')
             if (path.name in mine) == own}
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
    """The rest of upstream's folder: what every build of test_progs needs."""
    for path in sorted(upstream.rglob('*')):
        if path.is_file() and path.relative_to(upstream).parts[0] not in UNWANTED:
            yield path


def mirror(source: Path, tree: Path) -> None:
    """A kernel tree of links, in which only the BPF selftests are files."""
    for depth, name in enumerate(BPF.parts):
        folder = Path(*BPF.parts[:depth])
        (tree / folder).mkdir(parents=True, exist_ok=True)
        for path in (source / folder).iterdir():
            link = tree / folder / path.name
            if path.name != name and not link.is_symlink():
                link.symlink_to(path)


def copy(files: dict[Path, Path], target: Path) -> None:
    """Makes target hold the given files; what is the same keeps its time."""
    for name, file in files.items():
        path = target / name
        if not path.exists() or path.read_bytes() != file.read_bytes():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, path)
    for folder in ('prog_tests', 'progs'):
        for path in (target / folder).iterdir():
            if path.relative_to(target) not in files:
                path.unlink()    # also tests.h, which is made from the list of tests


def build(kernel: Kernel, parts: Iterable[Tests]) -> Path:
    """The folder with test_progs and the modules, built where the stamp is stale."""
    upstream = kernel.src / BPF
    files = {path.relative_to(upstream): path for path in common(upstream)}
    for tests in parts:
        files |= {path.relative_to(tests.folder): path for path in needed(tests)}
    digest = hashlib.sha256(kernel.key.encode() + Path(__file__).read_bytes())
    for name, file in files.items():
        digest.update(f'{name}\0'.encode() + file.read_bytes())

    root = cache() / 'selftests' / kernel.impl
    tree, out, stamp = root / 'tree', root / 'out', root / 'stamp'
    if stamp.exists() and read(stamp) == digest.hexdigest():
        return out
    stamp.unlink(missing_ok=True)
    mirror(kernel.src, tree)
    copy(files, tree / BPF)
    out.mkdir(exist_ok=True)
    step(f'building the selftests for the {kernel.impl} kernel',
         ['make', '-C', tree / BPF, f'-j{os.cpu_count()}', 'test_progs', 'LLVM=1',
          f'O={kernel.obj}', f'OUTPUT={out}', f'KDIR={kernel.src}',
          f'VMLINUX_BTF={kernel.obj / "vmlinux"}', 'SKIP_DOCS=1', 'SKIP_LLVM=1',
          *(f'{name}=' for name in NOT_BUILT)],
         LOG / f'selftests-{kernel.impl}-build.log', env=kernel.env,
         counts=lambda line: bool(re.match(r'  [A-Z-]{2,} ', line)), total=BUILT)
    stamp.write_text(digest.hexdigest(), encoding='utf-8')
    return out


def differences(text: str) -> list[Difference]:
    """The entries of the list of expected differences."""
    lines = [line for line in text.splitlines() if line and not line.startswith('#')]
    found = [Difference(*line.split(maxsplit=2)) for line in lines if len(line.split()) > 2]
    if len(found) < len(lines) or any(one.what not in ('fails', 'not-run') for one in found):
        fail(f'{DIFFERENCES} holds a line that is not "fails|not-run TEST/SUBTEST reason"')
    return found


def parse(output: str) -> list[Outcome]:
    """What test_progs printed: a line for each subtest, or for a test without any."""
    found: dict[str, str] = {}
    for name, verdict in re.findall(r'^#[\d/]+ +(\S.*):(OK|FAIL|SKIP)\b', output, re.M):
        subtests = [found[other] for other in found if other.startswith(f'{name}/')]
        # A test's own line comes after those of its subtests; only a failure
        # outside of them is more than they have said.
        if not subtests or verdict == 'FAIL' and 'FAIL' not in subtests:
            found[name] = verdict
    return [Outcome(name, verdict) for name, verdict in found.items()]


def expect(outcomes: list[Outcome], fails: dict[str, str]) -> None:
    """Takes expected failures for good, and the lack of one for a failure."""
    known = {outcome.name: outcome for outcome in outcomes}
    for name, reason in fails.items():
        outcome = known.get(name)
        if outcome and outcome.verdict == 'FAIL':
            outcome.reason = reason
        elif outcome:
            outcome.verdict = f'{outcome.verdict}, but {DIFFERENCES.name} says that it fails'
        else:
            outcomes.append(Outcome(name, f'is in {DIFFERENCES.name}, but was not run'))


@contextmanager
def progress(title: str, log: Path, total: int) -> Iterator[None]:
    """Shows how many of the tests have come to their end, as the log tells."""
    shown, over = Progress(title, total), Event()
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b'')

    def watch() -> None:
        ended = False
        while not ended:
            ended = over.wait(TICK)
            shown.count = len(re.findall(rb'^#\d+ ', log.read_bytes(), re.M))
            shown.tick()

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        shown.end('done')


def run(kernel: Kernel, out: Path, names: list[str], deny: Iterable[str],
        log: Path) -> list[Outcome]:
    """Runs tests in the guest; each comes out with at least one outcome."""
    argv = ['./test_progs', '--no-error-summary', '-w', str(WATCHDOG), '-a', ','.join(names),
            '-d', ','.join(['none', *deny])]
    # A 1 says that tests failed: which ones is in the output.
    command = (f'cd {shlex.quote(str(out))} && {shlex.join(argv)}\n'
               'status=$?; [ $status -le 1 ] || exit $status')
    with progress(f'running selftests on the {kernel.impl} kernel', log, len(names)):
        status = vm.run(kernel.impl, command, timeout=TIMEOUT, out=log, build=False)
    outcomes = parse(log.read_text(encoding='utf-8', errors='replace'))
    if status:
        outcomes.append(Outcome('guest', f'ended with status {status}'))
    ran = {outcome.test for outcome in outcomes}
    return outcomes + [Outcome(name, 'did not come to its end')
                       for name in names if name not in ran]


def report(name: str, outcomes: list[Outcome], title: str) -> Result:
    """Prints a line for each test, and one for each subtest that says more than OK.

    A skip is a failure: the kernel is configured so that every test can run.
    """
    for test in dict.fromkeys(outcome.test for outcome in outcomes):
        group = [outcome for outcome in outcomes if outcome.test == test]
        passed = sum(outcome.verdict == 'OK' for outcome in group)
        word = 'ok' if all(outcome.good for outcome in group) else 'FAILED'
        print(f'  {word:6} {test} {passed}/{len(group)}')
        for outcome in group:
            if outcome.reason:
                print(f'           {outcome.name}: fails, as expected: {outcome.reason}')
            elif not outcome.good:
                print(f'           {outcome.name}: {outcome.verdict}')
    failures = [outcome.name if outcome.verdict == 'FAIL' else f'{outcome.name}: {outcome.verdict}'
                for outcome in outcomes if not outcome.good]
    result = Result(name, sum(outcome.verdict == 'OK' for outcome in outcomes), len(failures),
                    failures=failures)
    print(f'{title}: {result.passed} passed, {result.failed} failed')
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--impl', choices=('rust', 'c'), default='rust',
                        help='the kernel to run on (default: rust)')
    parser.add_argument('--only', metavar='PATTERN', default='*',
                        help="only tests with such a name, for instance '*_tcp_ca'")
    parser.add_argument('--no-own', action='store_true', help="only upstream's tests")
    parser.add_argument('--list', action='store_true', help='list the tests and run none')
    args = parser.parse_args()

    kernel = Kernel(args.impl)
    with lock():
        kernel.ensure()
        parts = {'upstream': find(kernel.src / BPF, own=False)}
        if not args.no_own:
            parts['own'] = find(OWN, own=True)
        chosen = {part: fnmatch.filter(tests.names, args.only) for part, tests in parts.items()}
        if args.list:
            for part, names in chosen.items():
                print(*(f'{part}  {name}' for name in names), sep='\n')
            return
        names = [name for part in chosen.values() for name in part]
        if not names:
            fail(f'no test is called {args.only}: --list names them all')
        out = build(kernel, parts.values())

    known = differences(read(DIFFERENCES)) if args.impl == 'c' else []
    known = [difference for difference in known if difference.test in names]
    not_run = {difference.name: difference.reason for difference in known
               if difference.what == 'not-run'}
    log = LOG / f'selftests-{args.impl}.log'
    outcomes = run(kernel, out, names, not_run, log)
    expect(outcomes, {difference.name: difference.reason for difference in known
                      if difference.what == 'fails'})

    bad = False
    for part, names in chosen.items():
        if not names:
            continue
        # What is the guest's fault is each part's.
        mine = [outcome for outcome in outcomes if outcome.test in (*names, 'guest')]
        result = report(f'selftests-{part}-{args.impl}', mine,
                        f'{part} selftests on the {args.impl} kernel')
        bad |= bool(result.failed)
        if args.only == '*':
            results.write(result)
    for name, reason in not_run.items():
        print(f'  not run {name}: {reason}')
    if bad:
        fail(f'not all of the selftests passed; their whole output is in {log}')


if __name__ == '__main__':
    main()
