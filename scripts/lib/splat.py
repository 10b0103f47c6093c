# SPDX-License-Identifier: GPL-2.0-only
"""Finds reports of faults in a kernel log."""

import re

CONTEXT = 40    # lines of a report that are shown
BEFORE = 6      # lines, at most, between the cause of a stack trace and the trace
STAMP = re.compile(r'^(?:<\d+>)?(?:\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?)?')
REPORT = re.compile('|'.join((
    # The words that reports begin with
    r'-+\[ cut here \]-+',
    r'WARNING: ',
    r'(?:\w+: )?BUG\b(?!: KCSAN: )',    # lib/races.py judges those
    r'\[ BUG: ',
    r'(?:rcu: )?INFO: (?!NMI handler )',    # which the host may delay
    # What stops a task, or the kernel
    r'kernel BUG at ',
    r'Oops[:!]',
    r'Unable to handle kernel ',
    r'Internal error: ',
    r'(?:general protection fault|double fault|stack segment)\b.*:',
    r'rust_kernel: panicked at ',
    r'Kernel panic - not syncing',
    # Memory
    r'unreferenced object 0x',
    r'kmemleak: (?!Kernel memory leak detector initialized|Automatic memory scanning )',
    r'UBSAN: ',
    r'(?:list_add|list_del) (?:corruption|double add)',
    r'refcount_t: ',
    r'\S+:\d+: bad p[gu4m]d ',
    r'Out of memory\b.*: Killed process ',    # a group's own limit is a test's
    # Objects that are in use, or are freed twice
    r'ODEBUG: (?!selftest passed)',
    r'rcu: \w+\(\): Double-freed CB ',
    r'\w+\(\): percpu_ref underflow',
    r'(?:\w+: )?(?:Attempt to release|Freeing|Destroying) alive ',
    r'IPv4: Attempt to release TCP socket in state ',
    r'unregister_netdevice: waiting for ',
    r'VFS: Busy inodes after unmount of ',
    r'sysfs: cannot create duplicate filename ',
    r'sysctl duplicate entry: ',
    # What was left locked, or with preemption off
    r'softirq: huh, entered softirq ',
    r'bad: scheduling from the idle thread!',
    r'Leaked locks on dev=',
)))
# A report of another kind mostly comes with a stack.
TRACE = re.compile(r'Call [Tt]race:')
# A lack of memory has a stack too, and may be a test's intention.
NO_MEMORY = re.compile(r'.*, mode:0x|.* invoked oom-killer: |FAULT_INJECTION: ')


def scan(log: str) -> list[str]:
    """The lines of the first report and what follows it; empty when all is well."""
    lines = [line.rstrip('\r') for line in log.split('\n')]
    plain = [STAMP.sub('', line) for line in lines]
    for number, line in enumerate(plain):
        start = number
        if TRACE.match(line):
            start = max(0, number - BEFORE)
        elif not REPORT.match(line):
            continue
        if not any(map(NO_MEMORY.match, plain[start:number])):
            return lines[start:start + CONTEXT]
    return []
