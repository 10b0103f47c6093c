#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Looks at the project's own files with every checker, and ends with a table.

Of the files that upstream has, only the lines that the series adds are looked at.
"""

import argparse
import difflib
import py_compile
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lib import checkpatch, command, tree
from lib.content import Content
from lib.kernel import LINT, Kernel
from lib.lock import lock
from lib.patches import read_patches
from lib.paths import LOG, TOP
from lib.process import run_logged
from lib.progress import clock, note
from lib.versions import unlisted

# What a compiler says: 'file:line:column: warning: text', or rustc's two lines of that.
CLANG = re.compile(r'^(?P<file>\S+?):(?P<line>\d+):\d+: (?:warning|error): (?P<text>.*)$')
RUSTC = re.compile(r'^ *--> (?P<file>\S+?):(?P<line>\d+):\d+$')
KBUILD = re.compile(r'^(?:warning|error)\b[^:]*: (?P<text>.*)$')


class Ours:
    """The lines that the project answers for."""

    def __init__(self, prepared: tree.Tree, wanted: dict[str, Content | None]) -> None:
        self.lines: dict[str, set[int] | None] = {}     # None: every line
        for name, content in wanted.items():
            old = prepared.original(name)
            if content:
                self.lines[name] = added(old.data, content.data) if old else None

    def named(self, pattern: str) -> list[str]:
        return [name for name in self.lines if re.fullmatch(pattern, name)]

    def complaints(self, output: str) -> list[str]:
        """What compilers said of these lines."""
        found = []
        text = ''
        for line in output.splitlines():
            said = CLANG.match(line) or RUSTC.match(line)
            heading = KBUILD.match(line)
            if heading:
                text = heading['text']
            if not said:
                continue
            name = said['file'].removeprefix('../')
            name = name.removeprefix(f'{tree.prepared().root}/')
            if name in self.lines:
                lines = self.lines[name]
                if lines is None or int(said['line']) in lines:
                    found.append(f'{name}:{said["line"]}: {said.groupdict().get("text", text)}')
        return list(dict.fromkeys(found))


def added(old: bytes, new: bytes) -> set[int]:
    """The numbers of the lines in new that old has not."""
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    return {number + 1 for tag, _, _, start, end in matcher.get_opcodes() if tag != 'equal'
            for number in range(start, end)}


def objects(ours: Ours, build: Path) -> list[str]:
    """The kernel objects that are made of the project's C and Rust files."""
    found = []
    for name in ours.named(r'(?:kernel|net|fs|drivers)/.*\.(?:c|rs)'):
        # A file that another one takes in with mod has no object of its own.
        folder = tree.prepared().root / Path(name).parent
        makefile = (folder / 'Makefile').read_text(encoding='utf-8')
        if re.search(rf'\b{re.escape(Path(name).stem)}\.o\b', makefile):
            found.append(str(Path(name).with_suffix('.o')))
    for name in found:
        (build / name).unlink(missing_ok=True)
    return found


class Lint:
    """The checkers; each returns its complaints."""

    def __init__(self) -> None:
        wanted = tree.prepare()
        self.ours = Ours(tree.prepared(), wanted)
        self.kernel = Kernel(LINT)

    def run(self, title: str, name: str, *targets: str) -> str:
        log = LOG / f'lint-{name}.log'
        status = run_logged(title, self.kernel.make_argv(*targets), log, self.kernel.env)
        output = log.read_text(encoding='utf-8')
        # An error may stand in a file that is not ours, and still be our doing.
        return output + (f'\nscripts/lint.py:1:1: error: see {log}' if status else '')

    def judge(self, output: str) -> list[str]:
        failed = re.findall(r'^scripts/lint\.py:1:1: error: (.*)$', output, re.M)
        return self.ours.complaints(output) or [f'make failed: {text}' for text in failed]

    def rustfmt(self) -> list[str]:
        found = []
        for name in self.ours.named(r'(?!tools/).*\.rs'):
            text = (self.kernel.src / name).read_bytes()
            run = subprocess.run(['/usr/bin/rustfmt', '--edition=2021', '--config-path',
                                  self.kernel.src / '.rustfmt.toml'], input=text,
                                 capture_output=True, check=False)
            lines = self.ours.lines[name]
            touched = added(run.stdout, text)
            if run.returncode or (touched and (lines is None or touched & lines)):
                found.append(f'{name}: not as rustfmt has it, line {min(touched, default=1)}')
        return found

    def clippy(self) -> list[str]:
        """Clippy, rustc and clang with W=1, in a build folder that makes only what is ours."""
        self.kernel.obj.mkdir(parents=True, exist_ok=True)
        self.kernel.configure()
        made = objects(self.ours, self.kernel.obj)
        # A warning is given when a file is compiled, so all that is ours is compiled again.
        for name in ('rust/kernel.o', 'rust/libkernel.rmeta', 'rust/helpers/helpers.o'):
            (self.kernel.obj / name).unlink(missing_ok=True)
        return self.judge(self.run('clippy and W=1', 'clippy', 'CLIPPY=1', 'W=1', 'prepare', *made))

    def rustdoc(self) -> list[str]:
        return self.judge(self.run('rustdoc', 'rustdoc', 'rustdoc'))

    def checkpatch(self) -> list[str]:
        patches, own = read_patches(), tree.overlay()
        said = checkpatch.of_series(patches, own, tree.prepared())
        return [f'{name}: no patch names it' for name in unlisted(patches, own)] + \
            [f'{patch}: {complaint}' for patch, found in said.items() for complaint in found]

    def ccswap(self) -> list[str]:
        run = subprocess.run([sys.executable, TOP / 'scripts/ccswap.py', 'lint'],
                             capture_output=True, text=True, check=False)
        return (run.stdout + run.stderr).splitlines() if run.returncode else []

    def shellcheck(self) -> list[str]:
        names = listed('*.sh', 'scripts/lib/no-kvm/*', '.ci/run')
        run = subprocess.run(['shellcheck', '--format=gcc', *names], cwd=TOP,
                             capture_output=True, text=True, check=False)
        return (run.stdout + run.stderr).splitlines()

    def python(self) -> list[str]:
        found = []
        with tempfile.NamedTemporaryFile() as compiled:
            for name in listed('*.py'):
                try:
                    py_compile.compile(str(TOP / name), compiled.name, name, doraise=True)
                except py_compile.PyCompileError as error:
                    found.append(str(error))
        run = subprocess.run([sys.executable, TOP / 'scripts/unittests.py'],
                             capture_output=True, text=True, check=False)
        return found + (run.stderr.splitlines() if run.returncode else [])

    def licence(self) -> list[str]:
        """Every file says under what licence it stands."""
        return [f'{name}: no line SPDX-License-Identifier: GPL-2.0-only'
                for name in listed('*') if not exempt(name)
                and b'SPDX-License-Identifier: GPL-2.0-only' not in (TOP / name).read_bytes()]


def exempt(name: str) -> bool:
    """Files that are written by a tool, or hold the licence itself."""
    return Path(name).name in ('Cargo.lock', 'COPYING') or \
        Path(name).suffix in ('.patch', '.svg')


def listed(*patterns: str) -> list[str]:
    """The repository's files of such names."""
    run = subprocess.run(['git', '-c', f'safe.directory={TOP}', '-C', TOP, 'ls-files', '-z',
                          '--cached', '--others', '--exclude-standard', '--', *patterns],
                         capture_output=True, text=True, check=True)
    return [name for name in run.stdout.split('\0') if name and (TOP / name).is_file()]


def main() -> int:
    checks = ('licence', 'python', 'shellcheck', 'rustfmt', 'ccswap', 'checkpatch', 'clippy',
              'rustdoc')
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=checkpatch.explain())
    parser.add_argument('check', nargs='*', default=checks,
                        help=f'which of them (default: all): {", ".join(checks)}')
    chosen = parser.parse_args().check
    for name in set(chosen) - set(checks):
        parser.error(f'there is no check {name}')

    rows = []
    with lock():
        lint = Lint()
        for name in chosen:
            start = time.monotonic()
            check: Callable[[], list[str]] = getattr(lint, name)
            complaints = check()
            for line in complaints:
                print(f'{name}: {line}')
            rows.append((name, len(complaints), time.monotonic() - start))
    print()
    for name, count, seconds in rows:
        print(f'{name:12}{count or "clean":>7}{clock(seconds):>8}')
    if any(count for _, count, _ in rows):
        note(f'error: lint has complaints, see above; whole outputs are in {LOG}/lint-*.log')
        return 1
    return 0


if __name__ == '__main__':
    command.run(main)
