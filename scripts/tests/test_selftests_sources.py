# SPDX-License-Identifier: GPL-2.0-only
"""Which sources are built, and the copies of them that they are built from."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib.selftests import build
from lib.selftests.build import copy, mirror
from lib.selftests.sources import BPF, OWN, Tests, find, needed


class Sources(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name, text in {
                'prog_tests/one.c': '#include "one.skel.h"\n'
                                    'static void test_part(void)\nvoid test_one(void)\n',
                'prog_tests/two.c': 'open("two_a.bpf.o");\nvoid serial_test_two()\n'
                                    'void test_two_more(void)\n',
                'prog_tests/shared.h': '', 'prog_tests/tests.h': '',
                'progs/one.c': '', 'progs/two_a.c': '', 'progs/three.c': '', 'progs/x.h': '',
        }.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding='utf-8')
        self.tests = Tests(self.folder, sorted((self.folder / 'prog_tests').glob('*.c')))

    def test_names(self) -> None:
        self.assertEqual(self.tests.names, ['one', 'two', 'two_more'])

    def test_upstreams_are_those_of_struct_ops_and_its_clients(self) -> None:
        for name in ('bpf_qdisc', 'mptcp', 'struct_ops_assoc', 'xdp_link', 'struct_ops_link_race'):
            (self.folder / f'prog_tests/{name}.c').touch()
        self.assertEqual([file.stem for file in find(self.folder, own=False).files],
                         ['bpf_qdisc', 'mptcp', 'struct_ops_assoc'])
        self.assertEqual([file.stem for file in find(self.folder, own=True).files],
                         ['struct_ops_link_race'])

    def test_only_what_is_needed(self) -> None:
        self.assertEqual({path.name for path in needed(self.tests)},
                         {'one.c', 'two.c', 'two_a.c', 'shared.h', 'tests.h', 'x.h'})

    def test_copy_keeps_the_times_of_what_is_the_same(self) -> None:
        target = self.folder / 'target'
        files = {path.relative_to(self.folder): path for path in self.tests.files}
        files[Path('progs/one.c')] = self.folder / 'progs/one.c'
        copy(files, target)
        (target / 'prog_tests/stale.c').touch()
        before = (target / 'prog_tests/one.c').stat().st_mtime_ns
        files[Path('prog_tests/two.c')].write_text('changed', encoding='utf-8')
        copy(files, target)
        self.assertEqual((target / 'prog_tests/one.c').stat().st_mtime_ns, before)
        self.assertEqual((target / 'prog_tests/two.c').read_text(encoding='utf-8'), 'changed')
        self.assertFalse((target / 'prog_tests/stale.c').exists())

    def test_mirror_links_all_but_the_selftests(self) -> None:
        source, tree = self.folder / 'source', self.folder / 'tree'
        (source / BPF).mkdir(parents=True)
        (source / 'tools/lib').mkdir()
        (source / 'Makefile').touch()
        for _ in range(2):
            mirror(source, tree)
        self.assertTrue((tree / 'Makefile').is_symlink())
        self.assertTrue((tree / 'tools/lib').is_symlink())
        self.assertFalse((tree / 'tools').is_symlink())
        self.assertFalse((tree / BPF).exists())

    def test_the_kernel_is_built_before_all_tests(self) -> None:
        made = mock.Mock()
        made.kernel.src = self.folder
        with mock.patch.multiple(build, lock=mock.MagicMock(), build=made.build):
            self.assertIs(build.ensure(made.kernel), made.build.return_value)
        ensured, built = made.method_calls
        self.assertEqual(ensured, mock.call.kernel.ensure())
        self.assertEqual([tests.folder for tests in built.args[1]], [self.folder / BPF, OWN])


if __name__ == '__main__':
    unittest.main()
