# SPDX-License-Identifier: GPL-2.0-only
"""Each kind of report is found in a kernel log, and what is harmless is not."""

import unittest

from lib.splat import CONTEXT, scan, stale_breakpoint

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
    'general protection fault, maybe for address 0x0: 0000 [#1] SMP',
    'list_add corruption. prev->next should be next, but was 1. (prev=2).',
    'rust_kernel: panicked at kernel/bpf/struct_ops_link.rs:1:2:',
    'unregister_netdevice: waiting for lo to become free. Usage count = 2',
    'Kernel panic - not syncing: Attempted to kill init!',
)
HARMLESS = (
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


class BreakpointTest(unittest.TestCase):
    """What is excused as a flaw of QEMU's, and that nothing else is."""

    def log(self, code: str, place: str = 'sched_clock_cpu+0x6/0x180') -> str:
        return (f'[    2.9] Oops: int3: 0000 [#1] SMP\n[    2.9] CPU: 0 UID: 0 PID: 0\n'
                f'[    2.9] RIP: 0010:{place}\n[    2.9] Code: {code}\n')

    def test_what_text_patching_leaves(self) -> None:
        for code in ('66 <90> e8 c4 84', 'eb <12> e8 c4', '0f <1f> 44 00 00 48', 'e8 <c4> 84 01 00',
                     'e9 <c4> 84 01 00', 'c3 <cc> cc cc cc', '0f <84> 12 00 00 00',
                     '2e <2e> 2e 31 c0'):
            self.assertTrue(stale_breakpoint(self.log(f'41 57 41 56 53 {code}')), code)

    def test_as_it_was_seen(self) -> None:
        self.assertTrue(stale_breakpoint(
            '[   19.7] sched_ext: BPF scheduler "link_scx" enabled\n'
            '[   19.740311] Oops: int3: 0000 [#1] SMP\n'
            '[   19.741540] CPU: 1 UID: 0 PID: 267 Comm: scx_enable_help Tainted: G           OE\n'
            '[   19.742261] Tainted: [O]=OOT_MODULE, [E]=UNSIGNED_MODULE\n'
            '[   19.742734] Sched_ext: link_scx (enabled+all)\n'
            '[   19.742838] RIP: 0010:__pick_next_task+0x98/0x200\n'
            '[   19.743694] Code: 4c 8b b8 18 04 00 00 49 81 ff b0 29 d2 81 74 63 4d 8b 5f 28 '
            '4d 85 db 74 10 48 89 df 4c 89 f6 2e 2e 2e 41 '
            'ff d3 85 c0 75 4a eb <40> 31 c0 eb 40 31 c9\n'))

    def test_a_breakpoint_that_is_still_there(self) -> None:
        self.assertFalse(stale_breakpoint(self.log('41 57 41 56 53 cc <90> e8 c4 84')))

    def test_what_the_kernel_does_not_patch_in(self) -> None:
        for code in ('48 <89> e5', '90 <90> 90', '00 <00> 00', 'c3 <90> 90', 'Bad RIP value.'):
            self.assertFalse(stale_breakpoint(self.log(f'41 57 {code}')), code)

    def test_code_of_bpf(self) -> None:
        for place in ('bpf_prog_6deef7357e7b4530_reno_init+0x6/0x80',
                      'bpf_trampoline_64424+0x6/0x80',
                      'bpf__tcp_congestion_ops_init+0x6/0x80', 'bpf_dispatcher_xdp+0x6/0x80',
                      '0xffffffffc0201006'):
            self.assertFalse(stale_breakpoint(self.log('0f <1f> 44 00 00', place)), place)

    def test_after_another_fault(self) -> None:
        for report in REPORTS:
            log = f'[    2.8] {report}\n{self.log("66 <90> e8 c4 84")}'
            self.assertFalse(stale_breakpoint(log), report)

    def test_another_fault(self) -> None:
        self.assertFalse(stale_breakpoint(
            self.log('41 57 66 <90> e8').replace('int3', 'invalid opcode')))
        self.assertFalse(stale_breakpoint(''))
        self.assertFalse(stale_breakpoint('\n'.join(HARMLESS)))

    def test_a_wild_access_before_any_test_is_not_excused(self) -> None:
        log = ('[    0.061839] BUG: KASAN: wild-memory-access in rcu_is_watching+0x1d/0x40\n'
               '[    0.061839] Read of size 4 at addr ff1100003662f088 by task swapper/0/0\n'
               '[    0.061839] RIP: 0010:cpuid_scan_cpu+0x0/0x1f0\n')
        self.assertFalse(stale_breakpoint(log))
        self.assertIn('wild-memory-access', scan(log)[0])


if __name__ == '__main__':
    unittest.main()
