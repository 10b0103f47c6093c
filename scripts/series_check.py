#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks every patch of the series on top of those before it.

For each patch:
  checkpatch  checkpatch.pl --strict has nothing to say.
  on, off     It builds with Rust and the symbols of the series (as soon as they
              exist), and without Rust. Built are Rust's crates and the objects of the
              folders of kernel/, net/ and drivers/ that the series change.
  warnings    Neither of them says something new: clang and rustc with W=1, clippy,
              and sparse for what is compiled anew.
  code        Without Rust, the object code stays as it is, but for patches that say
              "Kind: c" (a change to C) or "Kind: move" (a move of C) below their
              "---". So in the end that kernel is the one with these patches alone.
              Debug information and line numbers do not count.
For each series, at its end:
  symbols-off It builds with Rust, and with the symbols off.
  rustdoc     The documentation of Rust code builds without complaints, with the
              symbols on and off.
  coccinelle  The kernel's semantic patches find nothing in the lines that are new.
For the series fixes also whether it applies to the other kernels that Debian has.

What was found is kept in the cache, by what it was found of: a run that was cut
short goes on where it was. The tree and the builds are in the cache, too, in the
folder check. The normal tree is neither read nor changed.
"""

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from lib import backports, checkpatch, command, results, source, tree
from lib.backports import Verdict
from lib.checker import Checker
from lib.content import Content, Originals
from lib.errors import Failure
from lib.lock import lock
from lib.patches import Patch, read_patches, series_names
from lib.results import Case, Result
from lib.upstream import Upstream

FIXES = 'fixes'
PARTS = ('checkpatch', 'backports', 'builds', 'ends')
TOOLS = {'sparse': 'sparse', 'spatch': 'coccinelle'}


def check_style(patches: Sequence[Patch], chosen: Sequence[str], own: dict[str, Content],
                originals: Originals) -> list[Case]:
    return [Case.judged(f'{patch}: checkpatch', found)
            for patch, found in checkpatch.of_series(patches, own, originals).items()
            if patch.partition('/')[0] in chosen]


def check_backports(patches: Sequence[Patch], own: dict[str, Content], originals: Originals,
                    sources: Sequence[Path]) -> list[Case]:
    """Applies the fixes to other kernels; prints a table of what became of them."""
    fixes = [patch for patch in patches if patch.series == FIXES]
    names = [name for patch in fixes for name in patch.files]
    kernels = backports.kernels(sources or backports.fetch(), names)
    columns = {kernel.version: backports.check(fixes, own, originals, kernel)
               for kernel in kernels}
    print(table([patch.id for patch in fixes], columns))
    return [Case(f'{patch.id}: on {version}', 'passed' if verdict.good else 'failed',
                 verdict.reason)
            for version, verdicts in columns.items()
            for patch, verdict in zip(fixes, verdicts, strict=True)]


def table(rows: Sequence[str], columns: dict[str, list[Verdict]]) -> str:
    """Verdicts on patches, one column for each kernel."""
    lines = [f'{"":14}' + ''.join(f'{version:16}' for version in columns)]
    for place, row in enumerate(rows):
        lines.append(f'{row:14}' + ''.join(f'{verdicts[place].word:16}'
                                           for verdicts in columns.values()))
    return '\n'.join(line.rstrip() for line in lines)


def summary(cases: Sequence[Case]) -> str:
    """One row for each patch or series: what was checked, and what of it failed."""
    rows: dict[str, list[str]] = {}
    for found in cases:
        name, _, what = found.name.partition(': ')
        mark = {'passed': what, 'failed': f'{what.upper()} FAILED', 'skipped': f'({what})'}
        rows.setdefault(name, []).append(mark[found.verdict])
    return '\n'.join(f'{name:14}{", ".join(marks)}' for name, marks in rows.items())


def main() -> int:
    known = series_names()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=checkpatch.explain())
    parser.add_argument('series', nargs='*', metavar='SERIES',
                        help=f'which of {", ".join(known)} (default: all)')
    parser.add_argument('--part', action='append', choices=PARTS,
                        help='only this part of the checks; may be given several times')
    parser.add_argument('--kernel', action='append', type=Path, default=[], metavar='PATH',
                        help='apply the fixes to this tree or tarball instead of the kernels '
                        'that Debian has; may be given several times')
    parser.add_argument('--jobs', type=int, default=(os.cpu_count() or 1) + 1, metavar='N',
                        help='how many compilers run at once (default: %(default)s)')
    asked = parser.parse_args()
    for name in set(asked.series) - set(known):
        parser.error(f'there is no series {name}')
    chosen, parts = asked.series or known, asked.part or PARTS
    missing = [package for program, package in TOOLS.items() if not shutil.which(program)]
    if missing and {'builds', 'ends'} & set(parts):
        raise Failure(f'{", ".join(missing)} missing: run make series-check, which installs them')

    patches, own = read_patches(), tree.overlay()
    touched = [name for patch in patches for name in patch.files]
    upstream = Upstream(source.find(), [*own, *touched, *checkpatch.FILES])
    cases = []
    if 'checkpatch' in parts:
        cases += check_style(patches, chosen, own, upstream)
    if 'backports' in parts and FIXES in chosen:
        cases += check_backports(patches, own, upstream, asked.kernel)
    if {'builds', 'ends'} & set(parts):
        with lock('check.lock'):
            checker = Checker(patches, own, upstream, asked.jobs)
            for series in chosen:
                cases += checker.patches(series) if 'builds' in parts else []
                cases += checker.end(series) if 'ends' in parts else []
    result = Result('series-check', cases)
    if not asked.part:
        results.write(result)
    print(summary(cases))
    result.show()
    return bool(result.failed)


if __name__ == '__main__':
    command.run(main)
