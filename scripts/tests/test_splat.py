# SPDX-License-Identifier: GPL-2.0-only
"""Each kind of report is found in a kernel log, and what is harmless is not."""

import unittest

from lib.splat import BEFORE, CONTEXT, scan

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
    'WARNING: chain_key collision',
    'WARNING: Nested lock was not taken',
    'WARNING: bad contention detected!',
    'WARNING: stack recursion on stack type 2',
    '[ BUG: Invalid wait context ]',
    'INFO: trying to register non-static key.',
    'rcu: INFO: rcu_preempt self-detected stall on CPU',
    'rcu: INFO: rcu_sched detected stalls on CPUs/tasks:',
    'rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: {',
    'rcu: INFO: rcu_preempt detected stall, but suppressed full report due to a stuck CSD-lock.',
    'INFO: rcu_tasks detected stalls on tasks:',
    'INFO: task ccswap:123 blocked for more than 120 seconds.',
    'INFO: task ccswap:123 blocked in I/O wait for more than 120 seconds.',
    'INFO: lockdep is turned off.',
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
    'BUG: scheduling in a non-blocking section: a/1/1',
    'BUG: using __this_cpu_add() in preemptible [00000000] code: a/1',
    'BUG: workqueue leaked atomic, lock or RCU: kworker/0:1[12]',
    'BUG: spinlock bad magic on CPU#0, a/1',
    'BUG: MAX_LOCKDEP_CHAINS too low!',
    'BUG: Bad page state in process a  pfn:00123',
    'BUG: Bad rss-counter state mm:00000000deadbeef type:MM_FILEPAGES val:1 Comm:a Pid:1',
    'BUG: TASK stack guard page was hit at ffffc90000000000 (stack is ffffc90000000000..2)',
    'BUG: KFENCE: use-after-free read in bpf_link_free+0x1/0x2',
    'BUG netem code -1 qlen 0',
    'IPv6: BUG: Address fe80::1 on device lo is missing its host route.',
    'NEIGH: BUG, double timer add, state is 1',
    'bad: scheduling from the idle thread!',
    'softirq: huh, entered softirq 3 NET_RX 00000000deadbeef with preempt_count 00000101, '
    'exited with 00000102?',
    'Leaked locks on dev=0x0:0x1 ino=0x2:',
    'UBSAN: array-index-out-of-bounds in kernel/a.c:1:2',
    'kernel BUG at lib/list_debug.c:29!',
    'Oops: general protection fault, probably for non-canonical address 0x1: 0000 [#1]',
    'Oops: 0002 [#1] SMP PTI',
    'Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010',
    'Internal error: Oops: 0000000096000004 [#1]  SMP',
    'general protection fault, maybe for address 0x0: 0000 [#1] SMP',
    'list_add corruption. prev->next should be next, but was 1. (prev=2).',
    'list_add double add: new=ffff888003a1b2c0, prev=ffff888003a1b2c0, next=ffff888003a1b2d0.',
    'list_del corruption, ffff888003a1b2c0->next is LIST_POISON1 (dead000000000100)',
    'refcount_t: underflow; use-after-free.',
    'mm/pgtable-generic.c:57: bad pmd 00000000deadbeef(0000000000000001)',
    'Out of memory: Killed process 12 (ccswap) total-vm:1kB, anon-rss:1kB, file-rss:0kB',
    'ODEBUG: free active (active state 0) object: 00000000deadbeef object type: work_struct',
    'ODEBUG: Out of memory. ODEBUG disabled',
    'ODEBUG: object 00000000deadbeef is on stack 00000000deadbeef, but NOT annotated.',
    'rcu: __call_rcu_common(): Double-freed CB 00000000deadbeef->bpf_link_free+0x0/0x10()!!!',
    'percpu_ref_switch_to_atomic_rcu(): percpu_ref underflow',
    'IPv4: Attempt to release TCP socket in state 1 00000000deadbeef',
    'IPv4: Attempt to release alive inet socket 00000000deadbeef',
    'Freeing alive in_device 00000000deadbeef',
    'IPv6: Freeing alive inet6 address 00000000deadbeef',
    'neighbour: Destroying alive neighbour 00000000deadbeef',
    'VFS: Busy inodes after unmount of bpf (bpf)',
    "sysfs: cannot create duplicate filename '/devices/virtual/net/lo'",
    'sysctl duplicate entry: /net/ipv4//tcp_congestion_control',
    'rust_kernel: panicked at kernel/bpf/struct_ops_link.rs:1:2:',
    'unregister_netdevice: waiting for lo to become free. Usage count = 2',
    'Kernel panic - not syncing: Attempted to kill init!',
)
HARMLESS = (
    'BUG: KCSAN: data-race in a / b',
    'INFO: NMI handler (perf_event_nmi_handler) took too long to run: 1.234 msecs',
    'ODEBUG: selftest passed',
    'Memory cgroup out of memory: Killed process 12 (a) total-vm:1kB, anon-rss:1kB',
    'SLUB: Unable to allocate memory on CPU 0 (of node 0) on node -1, gfp=0x820(GFP_ATOMIC)',
    'TCP: request_sock_TCP: Possible SYN flooding on port 127.0.0.1:1. Sending cookies.',
    'RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks',
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


# What a lack of memory prints before its stack.
NO_MEMORY = (
    'a: vmalloc error: size 4096, failed to allocate pages, mode:0xcc0(GFP_KERNEL)',
    'a: page allocation failure: order:0, mode:0x820(GFP_ATOMIC), nodemask=(null)',
    'a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
    'FAULT_INJECTION: forcing a failure.\nname failslab, interval 1, probability 0',
)
STACK = '''CPU: 1 UID: 0 PID: 12 Comm: a Tainted: G           OE       7.3.4 #1 PREEMPT
Tainted: [O]=OOT_MODULE, [E]=UNSIGNED_MODULE
Hardware name: QEMU Standard PC
Call Trace:
 <TASK>
 dump_stack_lvl+0x1/0x2
'''


class ScanTest(unittest.TestCase):
    def test_reports(self) -> None:
        for report in REPORTS:
            for stamp in ('', '[    1.234567] ', '[  123.456789][  T42] ', '<4>[    1.2] '):
                log = f'[    0.1] booting\r\n{stamp}{report}\r\n[    2.0] later\r\n'
                self.assertEqual(scan(log)[:1], [stamp + report], report)

    def test_a_stack_is_a_report_and_its_cause_is_shown(self) -> None:
        for stack in (STACK, STACK.replace('Call Trace', 'Call trace')):    # of x86, of arm64
            log = 'booting\n' * 2 * BEFORE + f'unheard of\n{stack}'
            self.assertIn('unheard of', scan(log)[:BEFORE])

    def test_a_lack_of_memory_is_none_but_hides_none(self) -> None:
        for cause in NO_MEMORY:
            log = f'{cause}\n{STACK}'
            self.assertEqual(scan(log), [], cause)
            self.assertEqual(scan(f'{log}BUG: sleeping\n')[:1], ['BUG: sleeping'])
            self.assertIn('unheard of', scan(f'{log}unheard of\n{STACK}'))

    def test_harmless(self) -> None:
        self.assertEqual(scan('\n'.join(f'[    1.000000] {line}' for line in HARMLESS)), [])

    def test_excerpt_is_bounded(self) -> None:
        log = '\n'.join(['before', 'BUG: unable to', *map(str, range(2 * CONTEXT))])
        self.assertEqual(len(scan(log)), CONTEXT)
        self.assertEqual(scan(log)[0], 'BUG: unable to')


if __name__ == '__main__':
    unittest.main()
