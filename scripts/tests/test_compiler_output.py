# SPDX-License-Identifier: GPL-2.0-only
"""Complaints of compilers are found, and told from those that were there before."""

import unittest
from collections import Counter
from pathlib import Path

from lib.compiler_output import compiled, complaints, errors, new, said

SRC = Path('/tree')
OUTPUT = """\
  CC      net/ipv4/a.o
../net/ipv4/a.c:7:3: warning: unused variable 'x' [-Wunused-variable]
/tree/include/net/a.h:9:1: warning: no previous prototype for 'f'
  CHECK   ../net/ipv4/a.c
../net/ipv4/a.c:12:9: warning: context imbalance in 'g' - unexpected unlock
warning: this could be simpler
  --> ../rust/kernel/a.rs:3:5
   |
../net/ipv4/a.c:9:3: warning: unused variable 'x' [-Wunused-variable]
"""
UNUSED = ('net/ipv4/a.c', "unused variable 'x' [-Wunused-variable]")
HEADER = ('include/net/a.h', "no previous prototype for 'f'")


class ComplaintsTest(unittest.TestCase):
    def test_where_and_what(self) -> None:
        self.assertEqual([(name, line) for name, line, _ in said(OUTPUT, SRC)],
                         [('net/ipv4/a.c', 7), ('include/net/a.h', 9), ('net/ipv4/a.c', 12),
                          ('rust/kernel/a.rs', 3), ('net/ipv4/a.c', 9)])
        self.assertEqual(complaints(OUTPUT, SRC), Counter({
            UNUSED: 2, HEADER: 1,
            ('net/ipv4/a.c', "context imbalance in 'g' - unexpected unlock"): 1,
            ('rust/kernel/a.rs', 'this could be simpler'): 1}))

    def test_what_is_new(self) -> None:
        now = Counter({UNUSED: 2, HEADER: 2})
        self.assertEqual(new(now, now, set()), [])
        self.assertEqual(new(now, Counter({UNUSED: 1, HEADER: 1}), set()), [': '.join(UNUSED)])
        self.assertEqual(new(now, Counter({UNUSED: 2}), set()), [': '.join(HEADER)])

    def test_what_moved_is_not_new(self) -> None:
        moved = ('net/ipv4/b.c', UNUSED[1])
        before, now = Counter({UNUSED: 2}), Counter({UNUSED: 1, moved: 1})
        both = {'net/ipv4/a.c', 'net/ipv4/b.c'}
        self.assertEqual(new(now, before, both), [])
        self.assertEqual(new(now + Counter([moved]), before, both), [': '.join(moved)])
        # It is still said of the other file, which was not compiled.
        self.assertEqual(new(Counter([moved]), before, {'net/ipv4/b.c'}), [': '.join(moved)])

    def test_what_was_compiled(self) -> None:
        self.assertEqual(compiled(OUTPUT + '  CC [M]  net/ipv4/b.o\n  LD      net/ipv4/c.o\n'),
                         {'net/ipv4/a.c', 'net/ipv4/b.c'})

    def test_why_a_build_failed(self) -> None:
        output = 'a\nb.c:1:2: error: no\nc\nmake[2]: *** [b.o] Error 1\n'
        self.assertEqual(errors(output), ['b.c:1:2: error: no', 'make[2]: *** [b.o] Error 1'])
        self.assertEqual(errors('error[E0425]: none\n'), ['error[E0425]: none'])
        self.assertEqual(errors('one\ntwo\n', limit=1), ['two'])


if __name__ == '__main__':
    unittest.main()
