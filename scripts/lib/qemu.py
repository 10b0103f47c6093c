# SPDX-License-Identifier: GPL-2.0-only
"""QEMU: which one there is, how it can run a guest here, and its command line."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache as once
from pathlib import Path

from lib.paths import BUILD, cache

PROGRAM = 'qemu-system-x86_64'
BIOS = Path('/usr/share/qemu/qboot.rom')
# The kernel looks whether ticks come in time, and panics when they do not; on a busy host an
# emulator's may be late ("IO-APIC + timer doesn't work!"). Under KVM it does not look.
KERNEL_ARGS = ('no_timer_check',)
# What TCG emulates. Without 5-level paging: while identify_cpu() finds out what the first processor
# can do, that flag is off, and KASAN would take every address for a wild one in an interrupt that
# comes then.
PROCESSOR = 'max,la57=off'


def own() -> Path:
    """Where scripts/fetch_qemu.py puts a QEMU, where Debian's is too old."""
    return cache() / 'tools/qemu'


def path(others: str = os.environ.get('PATH', os.defpath)) -> str:
    """The folders to look for QEMU in, its own before others."""
    return f'{own() / "usr/bin"}:{others}'


def program() -> str | None:
    return shutil.which(PROGRAM, path=path())


@once
def name() -> str:
    """What QEMU calls itself; nothing where there is none."""
    found = program()
    if not found:
        return ''
    run = subprocess.run([found, '--version'], capture_output=True, text=True, check=False)
    return run.stdout.partition('\n')[0]


def accelerator() -> str:
    """kvm where it works: that /dev/kvm opens is not enough, the module tells."""
    modules = ('/sys/module/kvm_intel', '/sys/module/kvm_amd')
    usable = os.access('/dev/kvm', os.R_OK | os.W_OK) and any(map(os.path.exists, modules))
    return 'kvm' if usable else 'tcg'


def argv(image: Path, initramfs: Path, *, kernel_args: Sequence[str], memory: str, cpus: int,
         log: Path, accel: Sequence[str] = ()) -> list[str]:
    """A machine without its ports for output."""
    if not accel:
        accel = ['-accel', 'kvm', '-cpu', 'host'] if accelerator() == 'kvm' else \
                ['-accel', 'tcg,thread=multi', '-cpu', PROCESSOR]
    append = ['console=ttyS0', 'panic=-1', 'rdinit=/init', *KERNEL_ARGS, *kernel_args]
    bios = ['-bios', str(BIOS)] if BIOS.exists() else []
    return [program() or PROGRAM, *accel, '-smp', str(cpus), '-m', memory, *bios,
            '-nodefaults', '-display', 'none', '-no-reboot', '-no-user-config',
            '-kernel', str(image), '-initrd', str(initramfs), '-append', ' '.join(append),
            '-chardev', f'file,id=log,path={log}', '-serial', 'chardev:log',
            '-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,'
                       'multidevs=remap',
            '-virtfs', f'local,path={BUILD},mount_tag=share,security_model=none,'
                       'multidevs=remap',
            '-device', 'virtio-serial-pci']
