# SPDX-License-Identifier: GPL-2.0-only
"""QEMU: which one there is, how it can run a guest here, and its command line."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

from lib.arch import X86, named
from lib.paths import BUILD, cache

BIOS = Path('/usr/share/qemu/qboot.rom')


@dataclass(frozen=True)
class Machine:
    """How QEMU emulates an architecture."""
    package: str                       # Debian's
    program: str
    kunit: str                         # what kunit.py calls it
    processor: str                     # what TCG emulates
    console: str
    kernel_args: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


MACHINES = {
    # The kernel looks whether ticks come in time, and panics when they do not; on a busy host an
    # emulator's may be late ("IO-APIC + timer doesn't work!"). Under KVM it does not look.
    # Without 5-level paging: while identify_cpu() finds out what the first processor can do, that
    # flag is off, and KASAN would take every address for a wild one in an interrupt that comes
    # then.
    X86: Machine('qemu-system-x86', 'qemu-system-x86_64', 'x86_64', 'max,la57=off', 'ttyS0',
                 kernel_args=('no_timer_check',)),
    'arm64': Machine('qemu-system-arm', 'qemu-system-aarch64', 'arm64', 'max', 'ttyAMA0',
                     options=('-machine', 'virt')),
}


def own(arch: str = X86) -> Path:
    """Where scripts/fetch_qemu.py puts a QEMU, where Debian's is too old."""
    return cache() / 'tools' / named('qemu', arch)


def path(others: str = os.environ.get('PATH', os.defpath), arch: str = X86) -> str:
    """The folders to look for QEMU in, its own before others."""
    return f'{own(arch) / "usr/bin"}:{others}'


def program(arch: str = X86) -> str | None:
    return shutil.which(MACHINES[arch].program, path=path(arch=arch))


@once
def name(arch: str = X86) -> str:
    """What QEMU calls itself; nothing where there is none."""
    found = program(arch)
    if not found:
        return ''
    run = subprocess.run([found, '--version'], capture_output=True, text=True, check=False)
    return run.stdout.partition('\n')[0]


def accelerator(arch: str = X86) -> str:
    """kvm where it works: that /dev/kvm opens is not enough, the module tells."""
    if arch != X86:
        return 'tcg'
    modules = ('/sys/module/kvm_intel', '/sys/module/kvm_amd')
    usable = os.access('/dev/kvm', os.R_OK | os.W_OK) and any(map(os.path.exists, modules))
    return 'kvm' if usable else 'tcg'


def argv(image: Path, initramfs: Path, *, kernel_args: Sequence[str], memory: str, cpus: int,
         log: Path, accel: Sequence[str] = (), arch: str = X86) -> list[str]:
    """A machine without its ports for output."""
    machine = MACHINES[arch]
    if not accel:
        accel = ['-accel', 'kvm', '-cpu', 'host'] if accelerator(arch) == 'kvm' else \
                ['-accel', 'tcg,thread=multi', '-cpu', machine.processor]
    append = [f'console={machine.console}', 'panic=-1', 'rdinit=/init', *machine.kernel_args,
              *kernel_args]
    options = list(machine.options)
    if arch == X86 and BIOS.exists():
        options += ['-bios', str(BIOS)]
    # Only x86's programs are among the host's files.
    host = ['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,'
                       'multidevs=remap'] if arch == X86 else []
    return [program(arch) or machine.program, *accel, '-smp', str(cpus), '-m', memory, *options,
            '-nodefaults', '-display', 'none', '-no-reboot', '-no-user-config',
            '-kernel', str(image), '-initrd', str(initramfs), '-append', ' '.join(append),
            '-chardev', f'file,id=log,path={log}', '-serial', 'chardev:log',
            *host,
            '-virtfs', f'local,path={BUILD},mount_tag=share,security_model=none,'
                       'multidevs=remap',
            '-device', 'virtio-serial-pci']
