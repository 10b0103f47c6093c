# SPDX-License-Identifier: GPL-2.0-only
"""Complaints of compilers are found, and told from those that were there before."""

import unittest
from collections import Counter
from pathlib import Path

from lib.compiler_output import complaints, errors, new, said

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
        self.assertEqual(new(now, now), [])
        self.assertEqual(new(now, Counter({UNUSED: 1, HEADER: 1})), [': '.join(UNUSED)])
        self.assertEqual(new(now, Counter({UNUSED: 2})), [': '.join(HEADER)])

    def test_why_a_build_failed(self) -> None:
        output = 'a\nb.c:1:2: error: no\nc\nmake[2]: *** [b.o] Error 1\n'
        self.assertEqual(errors(output), ['b.c:1:2: error: no', 'make[2]: *** [b.o] Error 1'])
        self.assertEqual(errors('error[E0425]: none\n'), ['error[E0425]: none'])
        self.assertEqual(errors('one\ntwo\n', limit=1), ['two'])


if __name__ == '__main__':
    unittest.main()
