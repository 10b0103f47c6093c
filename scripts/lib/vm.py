# SPDX-License-Identifier: GPL-2.0-only
"""Boots a kernel in QEMU on the host's own files and runs a command there."""

import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from lib import initramfs, qemu, races, results, splat
from lib.arch import X86
from lib.errors import Failure
from lib.kernel import Kernel
from lib.paths import LOG
from lib.progress import clock, note

KERNEL_FAILED = 70    # exit status when the command did well and the kernel did not
TIMED_OUT = 124
WRONG_CLOCK = 'clock'    # what the guest writes in place of an exit status
CLOCKS = 3               # boots that are tried until its clock is right
TIMEOUT = 3600
NEVER = 10 ** 9


class Port:
    """The host's end of one of the guest's output streams."""

    def __init__(self, name: str, sink: BinaryIO) -> None:
        self.name, self.sink = name, sink
        self.ours, self.theirs = socket.socketpair()

    @property
    def argv(self) -> list[str]:
        return ['-chardev', f'socket,id={self.name},fd={self.theirs.fileno()}',
                '-device', f'virtserialport,chardev={self.name},name={self.name}']

    def read(self) -> bool:
        data = self.ours.recv(1 << 16)
        self.sink.write(data)
        self.sink.flush()
        return bool(data)


def pump(machine: subprocess.Popen[bytes], ports: Sequence[Port], deadline: float) -> bool:
    """Forwards the guest's output until it powers off; returns False when time runs out."""
    with selectors.DefaultSelector() as selector:
        for port in ports:
            selector.register(port.ours, selectors.EVENT_READ, port)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                machine.kill()
                return False
            for key, _ in selector.select(min(left, 60)):
                if not key.data.read():
                    selector.unregister(key.fileobj)
    machine.wait()
    return True


def run(impl: str, command: str, *, kernel_args: Sequence[str] = (), memory: str = '2G',
        cpus: int = 2, timeout: float | None = None, out: Path | None = None,
        build: bool = True, accel: Sequence[str] = (), arch: str = X86) -> int:
    """Runs a shell command on a kernel; returns its exit status.

    What the command prints goes to our stdout and stderr, or all to the file
    out. An empty command is a shell on our terminal. build=False boots the last
    image that was built without a look at the sources. accel is what QEMU is to
    be told of accelerator and processor, in place of what suits this machine.

    A boot whose clock is wrong is repeated; the guest checks that before it starts
    the command.
    """
    kernel = Kernel(impl, arch)
    if build:
        kernel.ensure()
    if not kernel.image.exists():
        raise Failure(f'no {kernel.name} kernel was built yet: run make kernel IMPL={impl} '
                      f'ARCH={arch}')
    if not initramfs.busybox(arch).exists() or not qemu.name(arch):
        raise Failure(f'QEMU or a static busybox for {arch} is missing: run make setup '
                      f'ARCH={arch}')
    LOG.mkdir(parents=True, exist_ok=True)
    tty = ''
    if not command:
        if not sys.stdin.isatty():
            raise Failure('a shell needs a terminal: give a command with CMD=')
        size = os.get_terminal_size(sys.stdin.fileno())
        tty = f'rows {size.lines} columns {size.columns}'
    limit = timeout or (TIMEOUT if command else NEVER)
    clocks = CLOCKS
    while True:
        log = LOG / f'vm-{kernel.name}-{time.strftime("%H%M%S")}-{os.getpid()}.log'
        with tempfile.TemporaryDirectory(prefix='vm.') as scratch:
            archive = Path(scratch) / 'initramfs'
            initramfs.make(archive, command, tty, arch)
            argv = qemu.argv(kernel.image, archive, kernel_args=kernel_args, memory=memory,
                             cpus=cpus, log=log, accel=accel, arch=arch)
            status, in_time = boot(argv, bool(tty), limit, out)
            text = log.read_text(encoding='utf-8', errors='replace') if log.exists() else ''
            if status == WRONG_CLOCK and clocks > 1 and not splat.scan(text):
                clocks -= 1
                results.count_boot_again(log)
                note(f'the host was too busy when the kernel measured its clock (see {log}): '
                     f'once more')
            else:
                break
    faults = splat.scan(text) + races.judge(text, kernel.obj / 'vmlinux', log.with_suffix('.races'))
    return verdict(faults, log, status, in_time, clock(limit))


def boot(argv: list[str], tty: bool, limit: float, out: Path | None) -> tuple[str, bool]:
    """Runs QEMU; returns the status that the guest wrote, and whether it was in time."""
    status = BytesIO()
    with ExitStack() as stack:
        file = stack.enter_context(open(out, 'wb')) if out else None
        ports = [Port(name, file or stream.buffer)
                 for name, stream in (('out', sys.stdout), ('err', sys.stderr))]
        ports.append(Port('status', status))
        for port in ports:
            argv += port.argv
            stack.enter_context(port.ours)
        if tty:
            argv += ['-chardev', 'stdio,id=tty,signal=off', '-device', 'virtconsole,chardev=tty']
        stdio = None if tty else subprocess.DEVNULL
        with subprocess.Popen(argv, stdin=stdio, stdout=stdio,
                              pass_fds=[port.theirs.fileno() for port in ports]) as machine:
            for port in ports:
                port.theirs.close()
            try:
                in_time = pump(machine, ports, time.monotonic() + limit)
            except BaseException:
                machine.kill()
                raise
    return status.getvalue().decode().strip(), in_time


def verdict(report: Sequence[str], log: Path, status: str, in_time: bool, limit: str) -> int:
    """The exit status of a run, from the kernel's report of a fault and the command's status."""
    for line in report:
        note(line)
    if report:
        note(f'error: the kernel reported a fault; its whole log is {log}')
    if not in_time:
        note(f'error: the guest was stopped after {limit}; its kernel\'s log is {log}')
        return int(status or 0) or TIMED_OUT
    if status == WRONG_CLOCK:
        note(f'error: the host was too busy when the kernel measured its clock, as often as it was '
             f'booted; nothing was run, and its log is {log}')
        return KERNEL_FAILED
    if not status:
        if not report:
            note(f'error: the guest ended before the command did; its kernel\'s log is {log}')
        return KERNEL_FAILED
    return int(status) or (KERNEL_FAILED if report else 0)
