# SPDX-License-Identifier: GPL-2.0-only
"""Which complaints are the project's."""

import unittest
from unittest import mock

import lint
from lib.content import Content

CLANG = '../net/ipv4/tcp_cong.c:{}:5: warning: unused variable [-Wunused-variable]\n'
RUSTC = 'warning: field is never read\n  --> ../{}:7:5\n   |\n'


class OursTest(unittest.TestCase):
    def setUp(self) -> None:
        tree = mock.Mock()
        tree.original = lambda name: Content(b'one\ntwo\nthree\n') if name.endswith('.c') else None
        self.ours = lint.Ours(tree, {'net/ipv4/tcp_cong.c': Content(b'one\nTWO\nthree\nfour\n'),
                                     'net/ipv4/cong.rs': Content(b'new\n'), 'net/gone.c': None})

    def test_only_added_lines_of_files_of_upstream(self) -> None:
        self.assertEqual(self.ours.complaints(''.join(map(CLANG.format, range(1, 5)))), [
            'net/ipv4/tcp_cong.c:2: unused variable [-Wunused-variable]',
            'net/ipv4/tcp_cong.c:4: unused variable [-Wunused-variable]'])

    def test_every_line_of_our_own(self) -> None:
        self.assertEqual(self.ours.complaints(RUSTC.format('net/ipv4/cong.rs')),
                         ['net/ipv4/cong.rs:7: field is never read'])

    def test_nothing_else(self) -> None:
        self.assertEqual(self.ours.complaints(RUSTC.format('rust/kernel/lib.rs')), [])


if __name__ == '__main__':
    unittest.main()
