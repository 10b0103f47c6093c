# SPDX-License-Identifier: GPL-2.0-only
"""The guest's initramfs, which puts its root together from the host's files."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib.paths import BUILD

BUSYBOX = Path('/bin/busybox')
LIB = Path(__file__).parent


def make(path: Path, command: str, tty: str) -> None:
    """An archive of busybox, the two scripts of the guest, and the command."""
    settings = {'DIRECTORY': os.getcwd(), 'SHARE': str(BUILD), 'TTY': tty,
                'HOME': str(Path.home()), 'TERM': os.environ.get('TERM', 'dumb')}
    with tempfile.TemporaryDirectory(prefix='initramfs.') as folder:
        root = Path(folder)
        (root / 'bin').mkdir()
        shutil.copy(BUSYBOX, root / 'bin/busybox')
        shutil.copy(LIB / 'guest.sh', root / 'guest.sh')
        shutil.copy(LIB / 'initramfs.sh', root / 'init')
        (root / 'init').chmod(0o755)
        (root / 'command').write_text(command, encoding='utf-8')
        (root / 'settings').write_text(
            ''.join(f'{name}={shlex.quote(value)}\n' for name, value in settings.items()),
            encoding='utf-8')
        names = [str(file.relative_to(root)) for file in sorted(root.rglob('*'))]
        with open(path, 'wb') as archive:
            subprocess.run(['cpio', '-o', '-H', 'newc', '--quiet', '-R', '0:0'],
                           input='\n'.join(names), text=True, cwd=root, stdout=archive,
                           check=True)
