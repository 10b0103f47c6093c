#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boots a guest once, and checks that it is as scripts/vm.py --help describes it."""

import argparse
import os
import shlex
import tempfile
from pathlib import Path

from lib import command, results, vm
from lib.paths import BUILD, LOG
from lib.results import Case, Result

STATUS = 3     # that the command is to end with


def look(folder: Path, shared: Path) -> dict[str, bool]:
    """What is true of a guest that runs a command in folder, which is in the host's /tmp."""
    (folder / 'host').write_text('host\n', encoding='utf-8')
    out = LOG / 'try-guest.log'
    command = f'''
        pwd; cat host
        echo guest >host && cat host
        echo guest >guest && cat guest
        echo guest >{shlex.quote(str(shared))}
        echo error >&2
        exit {STATUS}'''
    before = os.getcwd()
    os.chdir(folder)
    try:
        status = vm.run('rust', command, out=out, timeout=600, build=False)
    finally:
        os.chdir(before)
    said = out.read_text(encoding='utf-8').split()
    return {
        'its exit status is returned': status == STATUS,
        'it starts in the same folder': said[:1] == [str(folder)],
        "it sees the host's /tmp": said[1:2] == ['host'],
        'it sees what it writes': said[2:4] == ['guest', 'guest'],
        'its errors come out': said[4:] == ['error'],
        'the host does not see what it writes':
            [path.read_text(encoding='utf-8') for path in folder.iterdir()] == ['host\n'],
        'build/ is shared': shared.is_file() and shared.read_text(encoding='utf-8') == 'guest\n',
    }


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir='/tmp') as folder, \
            tempfile.TemporaryDirectory(dir=BUILD) as shared:
        found = look(Path(folder), Path(shared) / 'guest')
    result = Result('guest', [Case(name, 'passed' if true else 'failed')
                              for name, true in found.items()])
    result.show()
    results.write(result)
    return bool(result.failed)


if __name__ == '__main__':
    command.run(main)
