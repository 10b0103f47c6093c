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
    r'BUG: (?!KCSAN: )',    # lib/races.py judges those
    r'BUG \S+ \(',
    r'unreferenced object 0x',
    r'kmemleak: (?!Kernel memory leak detector initialized|Automatic memory scanning )',
    r'watchdog: BUG: ',
    r'UBSAN: ',
    r'kernel BUG at ',
    r'Oops[:!]',
    # what others than x86 say
    r'Unable to handle kernel ',
    r'Internal error: ',
    r'(?:general protection fault|double fault|stack segment)\b.*:',
    r'unregister_netdevice: waiting for ',
    r'(?:list_add|list_del) corruption',
    r'rust_kernel: panicked at ',
    r'Kernel panic - not syncing',
)))


def scan(log: str) -> list[str]:
    """The lines of the first report and what follows it; empty when all is well."""
    lines = [line.rstrip('\r') for line in log.split('\n')]
    for number, line in enumerate(lines):
        if REPORT.match(STAMP.sub('', line)):
            return lines[number:number + CONTEXT]
    return []
