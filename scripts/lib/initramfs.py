# SPDX-License-Identifier: GPL-2.0-only
"""The guest's initramfs, which puts its root together from the host's files."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib.arch import X86
from lib.paths import BUILD, cache

LIB = Path(__file__).parent


def own(arch: str) -> Path:
    """Where scripts/fetch_busybox.py puts the busybox of another architecture."""
    return cache() / f'tools/busybox-{arch}'


def busybox(arch: str = X86) -> Path:
    return Path('/bin/busybox') if arch == X86 else own(arch) / 'usr/bin/busybox'


def make(path: Path, command: str, tty: str, arch: str = X86) -> None:
    """An archive of busybox, the two scripts of the guest, and the command."""
    settings = {'DIRECTORY': os.getcwd(), 'SHARE': str(BUILD), 'TTY': tty,
                'ROOT': 'host' if arch == X86 else 'busybox',
                'HOME': str(Path.home()), 'TERM': os.environ.get('TERM', 'dumb')}
    with tempfile.TemporaryDirectory(prefix='initramfs.') as folder:
        root = Path(folder)
        (root / 'bin').mkdir()
        shutil.copy(busybox(arch), root / 'bin/busybox')
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
