# SPDX-License-Identifier: GPL-2.0-only
"""Data races are read from a log, and the project's are told from others."""

import subprocess
import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from lib import races, toolchain
from lib.races import Access, Frame, Place

LINE = '=' * 66
LOG = f'''[    1.0] all is well
[    2.0] {LINE}
[    2.0] BUG: KCSAN: data-race in get / set
[    2.0]
[    2.0] write to 0xffff888003a1b2c0 of 8 bytes by task 12 on cpu 1:
[    2.0]  set+0x5/0x10
[    2.0]  outer+0x1a/0x20 [module]
[    2.0]
[    2.1] another CPU says this
[    2.0] read (marked) to 0xffff888003a1b2c0 of 8 bytes by interrupt on cpu 0:
[    2.0]  get+0x7/0x10
[    2.0]
[    2.0] value changed: 0x01 -> 0x02
[    2.0] {LINE}
[    3.0] {LINE}
[    3.0] BUG: KCSAN: data-race in get+0x7/0x10
[    3.0]
[    3.0] race at unknown origin, with read to 0xffff888003a1b2c0 of 8 bytes by task 13 on cpu 1:
[    3.0]  get+0x7/0x10
[    3.0] {LINE}
'''
SET, OUTER, GET = Frame('set', 5, 16), Frame('outer', 26, 32), Frame('get', 7, 16)


def at(file: str) -> Place:
    return Place('f', file, 3)


def link(source: Path, text: str) -> Path:
    """Makes a program with debug information of the text of a C file."""
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(text, encoding='utf-8')
    subprocess.run(['clang', '-g', '-O1', '-fno-inline', '-nostdlib', '-static', source,
                    '-o', source.with_suffix('')], check=True, env=toolchain.environment())
    return source.with_suffix('')


class RacesTest(unittest.TestCase):
    def test_a_log_is_read(self) -> None:
        self.assertEqual(races.read(LOG), [
            (Access('write', (SET, OUTER)), Access('read (marked)', (GET,))),
            (Access('read', (GET,)),)])

    def test_either_access_can_be_the_projects(self) -> None:
        both = (Access('write', (SET,)), Access('read', (GET,)))
        elsewhere = {SET: [at('mm/slub.c')], GET: [at('fs/open.c')]}
        self.assertFalse(races.is_own(both, elsewhere))
        for frame in SET, GET:
            for file in ('kernel/bpf/struct_ops_link_rust.rs', 'kernel/bpf/bpf_struct_ops.c',
                         'net/ipv4/tcp_cong.c', 'rust/kernel/net/tcp/cong/bucket.rs',
                         'rust/kernel/bpf/struct_ops.rs', 'include/net/tcp_cong_registry.h'):
                where = {**elsewhere, frame: [at('include/linux/list.h'), at(file)]}
                self.assertTrue(races.is_own(both, where), file)

    def test_who_has_called_a_helper_counts(self) -> None:
        both = (Access('write', (SET, OUTER)),)
        for helper in 'rust/helpers/atomic.c', 'rust/kernel/sync/atomic.rs', 'lib/refcount.c':
            where = {SET: [at('include/linux/atomic.h'), at(helper)],
                     OUTER: [at('net/ipv4/tcp_cong_rust.rs')]}
            self.assertTrue(races.is_own(both, where), helper)

    def test_who_has_called_another_does_not(self) -> None:
        both = (Access('write', (SET, OUTER)),)
        where = {SET: [at('mm/slub.c')], OUTER: [at('net/ipv4/tcp_cong_rust.rs')]}
        self.assertFalse(races.is_own(both, where))

    def test_calls_are_found_with_what_is_inlined(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            linked = link(Path(folder, 'a.c'),
                          'void g(void);\n'
                          'static inline __attribute__((always_inline)) void in(void)\n'
                          '{ g(); g(); }\n'
                          'void f(void) { in(); }\n'
                          'void g(void) { __asm__ volatile(""); }\n'
                          'void _start(void) { f(); }\n')
            known = dict(races.symbols(linked))
            frame = Frame('f', known['g'] - known['f'], 0)
            gone = Frame('nosuch', 1, 2)
            # The first call is behind at most 16 bytes, in whatever way the stack is set up.
            found = [races.places([Frame('f', offset, 0), gone], linked)
                     for offset in range(1, min(16, frame.offset))]
        inlined = [[(place.function, place.line) for place in next(iter(one.values()))]
                   for one in found]
        self.assertIn([('in', 3), ('f', 4)], inlined)
        self.assertTrue(all(list(one) != [gone] and gone not in one for one in found))

    def test_only_the_projects_are_complained_of(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, 'races')
            self.assertEqual(races.judge('[    1.0] all is well\n', Path('/nosuch'), out), [])
            self.assertFalse(out.exists())
            vmlinux = link(Path(folder, 'net/ipv4/tcp_cong.c'),
                           'void get(void) { __asm__ volatile("nop; nop"); }\n'
                           'void _start(void) { get(); }\n')
            with redirect_stderr(StringIO()) as said:
                own = races.judge(LOG.replace('+0x7/', '+0x1/'), vmlinux, out)
            self.assertEqual(len(own), 2)
            self.assertIn('write in set; read (marked) in get (', own[0])
            self.assertIn('2 data races in the project', said.getvalue())
            self.assertIn(own[0], out.read_text(encoding='utf-8'))


if __name__ == '__main__':
    unittest.main()
