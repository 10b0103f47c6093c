# SPDX-License-Identifier: GPL-2.0-only
"""Checkers of files in the repository that need no kernel."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import ccswap
from lib.cargo import PROGRAMS
from lib.errors import Failure
from lib.paths import TOP, cache

LICENCE = b'SPDX-License-Identifier: GPL-2.0-only'
# Written by a tool, a mail, or the licence itself.
NO_LICENCE_NAMES = ('Cargo.lock', 'COPYING', 'cover.txt')
NO_LICENCE_SUFFIXES = ('.patch', '.svg')


def listed(*patterns: str) -> list[str]:
    """The repository's files of such names."""
    run = subprocess.run(['git', '-c', f'safe.directory={TOP}', '-C', TOP, 'ls-files', '-z',
                          '--cached', '--others', '--exclude-standard', '--', *patterns],
                         capture_output=True, text=True, check=True)
    return [name for name in run.stdout.split('\0') if name and (TOP / name).is_file()]


def complaints(argv: Sequence[str | Path]) -> list[str]:
    """What a checker prints when it fails."""
    try:
        run = subprocess.run(argv, cwd=TOP, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Failure(f'{error.filename} is missing: run make lint, or scripts/setup.sh '
                      '--checkers') from error
    return (run.stdout + run.stderr).splitlines() if run.returncode else []


def licence() -> list[str]:
    return [f'{name}: no line {LICENCE.decode()}' for name in listed('*')
            if Path(name).name not in NO_LICENCE_NAMES
            and Path(name).suffix not in NO_LICENCE_SUFFIXES
            and LICENCE not in (TOP / name).read_bytes()]


def installed(name: str) -> Path:
    return cache() / 'tools/checkers/bin' / name


def ruff() -> list[str]:
    return complaints([installed('ruff'), 'check', '--quiet', '--output-format=concise'])


def mypy() -> list[str]:
    return complaints([installed('mypy'), '--no-error-summary', '--python-executable',
                       '/usr/bin/python3', f'--cache-dir={cache()}/mypy'])


def shellcheck() -> list[str]:
    return complaints(['shellcheck', '--format=gcc',
                       *listed('*.sh', 'scripts/lib/no-kvm/*', '.ci/run')])


def programs() -> list[str]:
    """Rustfmt and clippy on the workspaces that no kernel is built from."""
    return [*ccswap.WORKSPACE.complaints(), *PROGRAMS.complaints()]
