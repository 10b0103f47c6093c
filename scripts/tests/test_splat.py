# SPDX-License-Identifier: GPL-2.0-only
"""Each kind of report is found in a kernel log, and what is harmless is not."""

import unittest

from lib.splat import CONTEXT, scan

REPORTS = (
    '------------[ cut here ]------------',
    'WARNING: net/ipv4/tcp_cong.c:139 at tcp_unregister_congestion_control+0x1a/0x40, CPU#1: a/5',
    'WARNING: at tcp_cong+0x1a/0x40, CPU#0: a/5',
    'WARNING: CPU: 0 PID: 1 at kernel/fork.c:12 fork+0x1/0x2',
    'WARNING: possible circular locking dependency detected',
    'WARNING: possible recursive locking detected',
    'WARNING: possible irq lock inversion dependency detected',
    'WARNING: inconsistent lock state',
    'WARNING: suspicious RCU usage',
    'WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected',
    'WARNING: bad unlock balance detected!',
    'WARNING: held lock freed!',
    'WARNING: lock held when returning to user space!',
    'WARNING: test/12 still has locks held!',
    '[ BUG: Invalid wait context ]',
    'INFO: trying to register non-static key.',
    'rcu: INFO: rcu_preempt self-detected stall on CPU',
    'rcu: INFO: rcu_sched detected stalls on CPUs/tasks:',
    'rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: {',
    'INFO: task ccswap:123 blocked for more than 120 seconds.',
    'watchdog: BUG: soft lockup - CPU#0 stuck for 26s!',
    'BUG: KASAN: slab-use-after-free in bpf_link_free+0x1/0x2',
    'BUG kmalloc-64 (Not tainted): Right Redzone overwritten',
    'unreferenced object 0xffff888003a1b2c0 (size 64):',
    'kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)',
    'kmemleak: Memory pool empty, consider increasing CONFIG_DEBUG_KMEMLEAK_MEM_POOL_SIZE',
    'BUG: unable to handle page fault for address: 00000000deadbeef',
    'BUG: kernel NULL pointer dereference, address: 0000000000000010',
    'BUG: sleeping function called from invalid context at kernel/locking/mutex.c:1',
    'BUG: scheduling while atomic: a/1/0x2',
    'UBSAN: array-index-out-of-bounds in kernel/a.c:1:2',
    'kernel BUG at lib/list_debug.c:29!',
    'Oops: general protection fault, probably for non-canonical address 0x1: 0000 [#1]',
    'Oops: 0002 [#1] SMP PTI',
    'Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010',
    'Internal error: Oops: 0000000096000004 [#1]  SMP',
    'general protection fault, maybe for address 0x0: 0000 [#1] SMP',
    'list_add corruption. prev->next should be next, but was 1. (prev=2).',
    'rust_kernel: panicked at kernel/bpf/struct_ops_link.rs:1:2:',
    'unregister_netdevice: waiting for lo to become free. Usage count = 2',
    'Kernel panic - not syncing: Attempted to kill init!',
)
HARMLESS = (
    'BUG: KCSAN: data-race in a / b',
    'Linux version 7.3.4 (struct-ops-links@localhost) (clang version 19.1.7)',
    'Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on',
    'bpf_testmod: loading out-of-tree module taints kernel.',
    'Kernel command line: console=ttyS0 panic=-1 rdinit=/init',
    'rcu: Hierarchical RCU implementation.',
    'rcu: \tRCU debug extended QS entry/exit.',
    'hung_task: INFO about nothing',
    'kmemleak: Kernel memory leak detector initialized (mem pool available: 15759)',
    'kmemleak: Automatic memory scanning thread started',
    'pci 0000:00:01.3: quirk: [io  0x0600-0x063f] claimed by PIIX4 ACPI',
    '    ok 12 BUG: is only the name of a test',
    'reboot: Power down',
)


class ScanTest(unittest.TestCase):
    def test_reports(self) -> None:
        for report in REPORTS:
            for stamp in ('', '[    1.234567] ', '[  123.456789][  T42] ', '<4>[    1.2] '):
                log = f'[    0.1] booting\r\n{stamp}{report}\r\n[    2.0] later\r\n'
                self.assertEqual(scan(log)[:1], [stamp + report], report)

    def test_harmless(self) -> None:
        self.assertEqual(scan('\n'.join(f'[    1.000000] {line}' for line in HARMLESS)), [])

    def test_excerpt_is_bounded(self) -> None:
        log = '\n'.join(['before', 'BUG: unable to', *map(str, range(2 * CONTEXT))])
        self.assertEqual(len(scan(log)), CONTEXT)
        self.assertEqual(scan(log)[0], 'BUG: unable to')


if __name__ == '__main__':
    unittest.main()
