# SPDX-License-Identifier: GPL-2.0-only
"""How QEMU can run a guest on a machine, and what it is told."""

import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib import qemu


class QemuTest(unittest.TestCase):
    def accelerator(self, *exist: str) -> str:
        with mock.patch('os.path.exists', lambda path: path in exist), \
                mock.patch('os.access', lambda path, _: path in exist):
            return qemu.accelerator()

    def test_accelerator(self) -> None:
        self.assertEqual(self.accelerator('/dev/kvm', '/sys/module/kvm_intel'), 'kvm')
        self.assertEqual(self.accelerator('/dev/kvm', '/sys/module/kvm_amd'), 'kvm')
        self.assertEqual(self.accelerator('/dev/kvm'), 'tcg')
        self.assertEqual(self.accelerator('/sys/module/kvm_intel'), 'tcg')
        self.assertEqual(self.accelerator(), 'tcg')

    def test_a_qemu_of_its_own_comes_first(self) -> None:
        with tempfile.TemporaryDirectory() as name, \
                mock.patch('lib.qemu.cache', return_value=Path(name)):
            folder = qemu.own() / 'usr/bin'
            folder.mkdir(parents=True)
            self.assertNotEqual(qemu.program(), str(folder / qemu.PROGRAM))
            (folder / qemu.PROGRAM).touch(0o755)
            self.assertEqual(qemu.program(), str(folder / qemu.PROGRAM))

    def test_arguments_for_the_kernel_follow_those_that_every_guest_has(self) -> None:
        argv = qemu.argv(Path('image'), Path('initramfs'), kernel_args=['a=b', 'c'], memory='2G',
                         cpus=2, log=Path('log'))
        every = qemu.argv(Path('image'), Path('initramfs'), kernel_args=[], memory='2G',
                          cpus=2, log=Path('log'))
        place = argv.index('-append') + 1
        self.assertEqual(argv[place], f'{every[place]} a=b c')


if __name__ == '__main__':
    unittest.main()
