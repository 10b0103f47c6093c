# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's semantic patches, in scripts/coccinelle, find in what is ours."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lib.lint.ours import Ours
from lib.progress import watched

FOUND = re.compile(r'^(?P<file>\S+?):(?P<line>\d+):\d+-\d+: (?P<text>.*)$', re.M)
PATIENCE = 300      # seconds that one semantic patch may take


def rules(src: Path) -> list[tuple[Path, list[str]]]:
    """The semantic patches that can report, with the options that they ask for."""
    found = []
    for path in sorted((src / 'scripts/coccinelle').rglob('*.cocci')):
        text = path.read_text(encoding='utf-8')
        if re.search(r'^virtual .*\breport\b', text, re.M):
            options = re.search(r'^// Options: *(.*)$', text, re.M)
            found.append((path, options[1].split() if options else []))
    return found


def complaints(src: Path, ours: Ours, names: Sequence[str], title: str) -> list[str]:
    """What is found of ours in the files of these names."""
    found: list[str] = []
    wanted = rules(src)
    done = 0
    with watched(f'coccinelle on {title}', lambda: done, len(wanted)):
        for path, options in wanted:
            try:
                run = subprocess.run(
                    ['spatch', '-D', 'report', '--very-quiet', '--no-show-diff', *options,
                     '-I', src / 'include', '--sp-file', path, *names], cwd=src,
                    capture_output=True, text=True, check=False, timeout=PATIENCE)
                found += [f'{said["file"]}:{said["line"]}: {said["text"]}'
                          for said in FOUND.finditer(run.stdout)
                          if ours.has(said['file'], int(said['line']))]
            except subprocess.TimeoutExpired:
                found.append(f'{path.relative_to(src)} took longer than {PATIENCE} s')
            done += 1
    return list(dict.fromkeys(found))
