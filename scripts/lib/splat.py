# SPDX-License-Identifier: GPL-2.0-only
"""Finds reports of faults in a kernel log."""

import re

CONTEXT = 40    # lines of a report that are shown
STAMP = re.compile(r'^(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?)?')
REPORT = re.compile('|'.join((
    r'-+\[ cut here \]-+',
    r'WARNING: \S+:\d+ at ',
    r'WARNING: (?:at |CPU: )',
    # lockdep and RCU
    r'WARNING: possible (?:circular|recursive|irq lock)',
    r'WARNING: inconsistent lock state',
    r'WARNING: suspicious RCU usage',
    r'WARNING: .*(?:lock order|unlock balance|contention) detected',
    r'WARNING: (?:held lock freed|Nested lock|.*still has locks held|lock held when)',
    r'\[ BUG: ',
    r'INFO: trying to register non-static key',
    r'rcu: INFO: \S+ (?:self-)?detected (?:expedited )?stall',
    r'INFO: task .* blocked for more than ',
    # memory, control flow
    r'BUG: ',
    r'BUG \S+ \(',
    r'unreferenced object 0x',
    r'kmemleak: (?!Kernel memory leak detector initialized|Automatic memory scanning )',
    r'(?:watchdog: )?BUG: ',
    r'UBSAN: ',
    r'kernel BUG at ',
    r'Oops[:!]',
    r'(?:general protection fault|double fault|stack segment)\b.*:',
    r'unregister_netdevice: waiting for ',
    r'(?:list_add|list_del) corruption',
    r'rust_kernel: panicked at ',
    r'Kernel panic - not syncing',
)))

# Instructions that text patching writes, with the byte after the breakpoint marked: branches
# and no-ops of static keys; calls, jumps, returns and no-ops of static calls and ftrace.
PATCHED_IN = re.compile(r'66 <90>|eb <|0f <1f> 44 00 00|e[89] <|0f <8|c3 <cc>|2e <2e> 2e 31 c0')
JITED = re.compile(r'bpf_(?:prog|trampoline|dispatcher)_|bpf__')


def scan(log: str) -> list[str]:
    """The lines of the first report and what follows it; empty when all is well."""
    lines = [line.rstrip('\r') for line in log.split('\n')]
    for number, line in enumerate(lines):
        if REPORT.match(STAMP.sub('', line)):
            return lines[number:number + CONTEXT]
    return []


def stale_breakpoint(log: str) -> bool:
    """Whether the first fault is QEMU's: it ran a breakpoint that is no longer in memory.

    QEMU before 8.1, with a thread for each processor, may run an old translation of
    code that another processor has just changed. Here that is the kernel's text
    patching, which writes a breakpoint and then the new instruction. So the bytes at
    the fault are those of an instruction that the kernel patches in. BPF code is
    excluded: freed BPF memory is filled with breakpoints, and may hold another
    program by the time of the report.
    """
    report = [STAMP.sub('', line) for line in scan(log)]
    if not report or not report[0].startswith('Oops: int3:'):
        return False
    text = '\n'.join(report)
    where = re.search(r'^RIP: 0010:(\w[\w.]*)\+0x', text, re.M)
    code = re.search(r'^Code: [^<\n]*?(\w\w <.*)', text, re.M)
    return bool(where and code and not JITED.match(where[1]) and PATCHED_IN.match(code[1]))
