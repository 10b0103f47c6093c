#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Measures struct_ops links on the C kernel and on the Rust one, and compares them.

The kernels are booted in turn, several times each, and then under an
emulator that counts instructions, also with many network namespaces and many
registered names. What came out is in build/bench: report.md, report.json (a list
of cases), report.svg and growth.svg. A missed target is said, and is no failure
of the program. The namespaces take 4 GB of memory.
"""

import argparse
import json
import os
import platform
import re
import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import ccswap
from lib import bench, bench_text, command, qemu, source, vm
from lib.bench import Case, Figure
from lib.errors import Failure
from lib.kernel import RIVALS, Kernel
from lib.paths import BUILD, LOG
from lib.process import step
from lib.progress import clock, watched

OUT = BUILD / 'bench'
BINARY = ccswap.WORKSPACE.target / 'release/struct_ops_bench'
PICTURES = {'chart': 'report.svg', 'growth': 'growth.svg'}
# One nanosecond of the guest is one instruction, and waiting takes no real time.
ICOUNT = ('-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off', '-cpu', 'max')
MEASUREMENTS = 10     # that `time` makes, each as long as it is told
BOOT = 12             # seconds that a boot and the set-up take, roughly
PATIENCE = 6          # how many times longer a run may take than it should


class Counting(NamedTuple):
    """A run that counts instructions: how long it takes, roughly, and the guest's memory."""
    mode: str
    seconds: float
    memory: str


# 10,000 namespaces take 3 GB.
COUNTING = (Counting('icount', 35, '2G'), Counting('namespaces', 180, '5G'),
            Counting('names', 35, '2G'))
NOTES = (
    'Latencies are those of single system calls, taken with CLOCK_MONOTONIC around libbpf\'s '
    'function for it; an update goes from one table to another of the same name and back. Create '
    'is that of a map that was linked before, first create that of one that was not; close is '
    'that of an attached link\'s only descriptor, so it unregisters the table.',
    'The streams are TCP connections over loopback that send as fast as they can, from one thread '
    'to another, beside the thread that updates.',
    'Connections are opened, accepted and ended one after the other, and the bulk transfer sends '
    'and receives 64 KiB at a time, all in one thread, under a BPF algorithm whose link is '
    'not updated meanwhile. Both are measured in turn, in ten slices of time; the rates are those '
    'of the median connection and of the median 64 KiB of the best slice, since what else the '
    'machine does comes and goes, and only slows. Under TCG the rates also depend on where the '
    'kernel\'s code happens to lie: 1,500 bytes of padding in the C kernel took 3 % off its '
    'connections in a second, and runs of one kernel lie 10 % and more apart. So the targets go by '
    'instructions: no more than 1 % above C.',
    'Memory per link is what the allocator\'s trace events say was allocated and not freed while '
    '64 links were created (the link, its file and what hangs on them; not the map), divided by '
    '64.',
    'Instructions are read off the cycle counter of an emulator that runs one processor and lets '
    'each instruction take one cycle: user space\'s part of a call and the kernel\'s, less the '
    'cost of reading the counter. Time that a call waits counts as instructions too: in C, detach, '
    'close and update wait for a grace period.',
    'With many namespaces, all have the name as their default, the initial one included. A '
    'namespace is made by unshare(CLONE_NEWNET). Its end is not a call: what counts is how long '
    'the kernel\'s unbound workers have run until they rest again, by their own clocks, on which a '
    'nanosecond is an instruction, too; 20 namespaces are ended at once, and it is divided by 20. '
    'What RCU frees is not in it. Most of both is other subsystems\' work, which grows by itself.',
    'With many names, each is a BPF algorithm that is registered all the time. The one that is '
    'created, detached and closed is the newest, the one that is updated the oldest (C moves it to '
    'the end by that). setsockopt is that of a socket which has another algorithm. The list of '
    'names is tcp_available_congestion_control, which ends after 2 KiB on both kernels.',
    f'The floor of an update, {bench.FLOOR:,} instructions, is that of the C code with its waits '
    'deleted, as it was measured when the target was set; it is not measured here.',
)


def shell_command(mode: str, result: Path, *options: str) -> str:
    argv = [str(BINARY), mode, *options]
    return f'{shlex.join(argv)} >{shlex.quote(str(result))}'


def measure(impl: str, title: str, mode: str, number: int, limit: float, *options: str,
            cpus: int = 2, accel: tuple[str, ...] = (), memory: str = '2G') -> list[Figure]:
    """Boots a kernel, measures there, and returns the figures."""
    name = f'{mode}-{impl}-{number}'
    result, log = OUT / f'{name}.json', LOG / f'bench-{name}.log'
    result.unlink(missing_ok=True)
    with watched(title):
        status = vm.run(impl, shell_command(mode, result, *options), cpus=cpus, timeout=limit,
                        out=log, build=False, accel=accel, memory=memory)
    if status:
        raise Failure(f'measuring the {impl} kernel failed (exit status {status}); its whole '
                      f'output is in {log}')
    figures: list[Figure] = json.loads(result.read_text(encoding='utf-8'))
    return figures


def measure_all(rounds: int, seconds: float) -> list[Case]:
    """Measures the kernels in turn, so that other load of the machine affects both."""
    runs: dict[tuple[str, str], list[list[Figure]]] = {}
    total = len(RIVALS) * (rounds + len(COUNTING))
    done = 0
    expected = BOOT + MEASUREMENTS * seconds
    for number in range(1, rounds + 1):
        for impl in RIVALS:
            done += 1
            found = measure(impl, f'{done}/{total} times on the {impl} kernel, about '
                            f'{clock(expected)}', 'time', number, PATIENCE * expected,
                            '--seconds', str(seconds))
            runs.setdefault(('time', impl), []).append(found)
    for counting in COUNTING:
        for impl in RIVALS:
            done += 1
            found = measure(impl, f'{done}/{total} instructions on the {impl} kernel, about '
                            f'{clock(counting.seconds)}', counting.mode, 1,
                            PATIENCE * counting.seconds, cpus=1, accel=ICOUNT,
                            memory=counting.memory)
            runs[counting.mode, impl] = [found]
    try:
        return [case for mode in ('time', *(counting.mode for counting in COUNTING))
                for case in bench.merge(runs[mode, 'c'], runs[mode, 'rust'])]
    except ValueError as error:
        raise Failure(f'{error}: give each measurement more time with --seconds') from error


def processor() -> str:
    found = re.search(r'^model name\s*: (.*)$', Path('/proc/cpuinfo').read_text(encoding='utf-8'),
                      re.M)
    return found[1] if found else platform.machine()


def facts(rounds: int, seconds: float, load: float, kernel: Kernel) -> list[tuple[str, str]]:
    makefile = (kernel.src / 'Makefile').read_text(encoding='utf-8')
    return [('date', time.strftime('%Y-%m-%d %H:%M %Z')),
            ('kernel', f'Linux {source.version(makefile)}'),
            ('machine', f'{processor()}, {os.cpu_count()} processors, '
             f'guest with 2; load before the runs {load:.1f}'),
            ('accelerator', f'{qemu.accelerator()} ({qemu.name()}); instructions: '
                            f'{" ".join(ICOUNT)}'),
            ('runs', f'{rounds} of each kernel in turn, {seconds:g} s a measurement; '
                     'instructions: one')]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=5,
                        help='how often each kernel is booted and timed (default: 5)')
    parser.add_argument('--seconds', type=float, default=3,
                        help='how long a measurement takes (default: 3)')
    parser.add_argument('--last', action='store_true',
                        help='take what was built last, whatever the sources say')
    args = parser.parse_args()
    if args.rounds < 1 or args.seconds <= 0:
        parser.error('--rounds and --seconds are to be above 0')

    kernels = {impl: Kernel(impl) for impl in RIVALS}
    if not args.last:
        ccswap.WORKSPACE.build()
        for kernel in kernels.values():
            kernel.ensure()
    OUT.mkdir(parents=True, exist_ok=True)
    LOG.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    cases = measure_all(args.rounds, args.seconds)
    text = bench_text.measure(kernels['c'], kernels['rust'])
    cases.append(bench.compare('bytes of text', 'bytes', bench.LESS, [text.taken],
                               [text.leaf + text.library]))
    notes = (*NOTES, f'Bytes of text, C: what the C objects are smaller by in the Rust kernel '
             f'({text.taken:,}). Rust: the objects in their place ({text.leaf:,}) and what the '
             f'kernel crate holds for them ({text.library:,}); without the KUnit suites.')
    report = bench.report(facts(args.rounds, args.seconds, load, kernels['rust']), cases,
                          notes)
    (OUT / 'report.json').write_text(
        json.dumps([asdict(case) for case in cases], indent=1, ensure_ascii=False) + '\n',
        encoding='utf-8')
    (OUT / 'report.md').write_text(report, encoding='utf-8')
    for picture, name in PICTURES.items():
        step('drawing the report', [BINARY, picture, OUT / 'report.json', OUT / name],
             LOG / f'bench-{picture}.log')
    print(report)
    print(f'The report is {OUT}/report.md, with report.json, '
          f'{" and ".join(PICTURES.values())} beside it.')


if __name__ == '__main__':
    command.run(main)
