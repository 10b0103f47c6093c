# SPDX-License-Identifier: GPL-2.0-only
"""QEMU: which one there is, how it can run a guest here, and its command line."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache as once
from pathlib import Path

from lib.paths import BUILD

PROGRAM = 'qemu-system-x86_64'
BIOS = Path('/usr/share/qemu/qboot.rom')
# The kernel looks whether ticks come in time, and panics when they do not; on a busy host an
# emulator's may be late ("IO-APIC + timer doesn't work!"). Under KVM it does not look.
KERNEL_ARGS = ('no_timer_check',)
# What TCG emulates. Without 5-level paging: while identify_cpu() finds out what the first processor
# can do, that flag is off, and KASAN would take every address for a wild one in an interrupt that
# comes then.
PROCESSOR = 'max,la57=off'
MULTI, SINGLE = THREADS = ('multi', 'single')    # one of the host's for each processor, or for all
STALE = 'QEMU ran code that the kernel had already changed, a known flaw of its threads before 8.1'
SURE_OF_CODE = (8, 1)    # the first QEMU that runs no stale code, see splat.stale_breakpoint()


@once
def name() -> str:
    """What QEMU calls itself; nothing where there is none."""
    if not shutil.which(PROGRAM):
        return ''
    run = subprocess.run([PROGRAM, '--version'], capture_output=True, text=True, check=False)
    return run.stdout.partition('\n')[0]


def version() -> tuple[int, ...]:
    """(7, 2, 22), or nothing where there is no QEMU."""
    found = re.search(r'version ([\d.]+)', name())
    return tuple(map(int, found[1].split('.'))) if found else ()


def runs_stale_code() -> bool:
    """Whether a guest of several threads may trip over QEMU, see splat.stale_breakpoint()."""
    return accelerator() == 'tcg' and version() < SURE_OF_CODE


def accelerator() -> str:
    """kvm where it works: that /dev/kvm opens is not enough, the module tells."""
    modules = ('/sys/module/kvm_intel', '/sys/module/kvm_amd')
    usable = os.access('/dev/kvm', os.R_OK | os.W_OK) and any(map(os.path.exists, modules))
    return 'kvm' if usable else 'tcg'


def argv(image: Path, initramfs: Path, *, kernel_args: Sequence[str], memory: str, cpus: int,
         log: Path, threads: str, accel: Sequence[str] = ()) -> list[str]:
    """A machine without its ports for output."""
    if not accel:
        accel = ['-accel', 'kvm', '-cpu', 'host'] if accelerator() == 'kvm' else \
                ['-accel', f'tcg,thread={threads}', '-cpu', PROCESSOR]
    append = ['console=ttyS0', 'panic=-1', 'rdinit=/init', *KERNEL_ARGS, *kernel_args]
    bios = ['-bios', str(BIOS)] if BIOS.exists() else []
    return [PROGRAM, *accel, '-smp', str(cpus), '-m', memory, *bios,
            '-nodefaults', '-display', 'none', '-no-reboot', '-no-user-config',
            '-kernel', str(image), '-initrd', str(initramfs), '-append', ' '.join(append),
            '-chardev', f'file,id=log,path={log}', '-serial', 'chardev:log',
            '-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,'
                       'multidevs=remap',
            '-virtfs', f'local,path={BUILD},mount_tag=share,security_model=none,'
                       'multidevs=remap',
            '-device', 'virtio-serial-pci']
