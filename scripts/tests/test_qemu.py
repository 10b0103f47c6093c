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

    def test_another_architecture_is_emulated(self) -> None:
        with mock.patch('os.path.exists', return_value=True), \
                mock.patch('os.access', return_value=True):
            self.assertEqual(qemu.accelerator('arm64'), 'tcg')

    def test_a_qemu_of_its_own_comes_first(self) -> None:
        with tempfile.TemporaryDirectory() as name, \
                mock.patch('lib.qemu.cache', return_value=Path(name)):
            folder = qemu.own() / 'usr/bin'
            folder.mkdir(parents=True)
            own = folder / qemu.MACHINES['x86'].program
            self.assertNotEqual(qemu.program(), str(own))
            own.touch(0o755)
            self.assertEqual(qemu.program(), str(own))
            self.assertNotIn(str(folder), qemu.path(arch='arm64'))

    def test_arguments_for_the_kernel_follow_those_that_every_guest_has(self) -> None:
        argv, every = self.argv('a=b', 'c'), self.argv()
        place = argv.index('-append') + 1
        self.assertEqual(argv[place], f'{every[place]} a=b c')

    def argv(self, *kernel_args: str, arch: str = 'x86') -> list[str]:
        return qemu.argv(Path('image'), Path('initramfs'), kernel_args=kernel_args, memory='2G',
                         cpus=2, log=Path('log'), arch=arch)

    def test_programs_of_the_host_are_for_x86(self) -> None:
        for arch, seen in (('x86', True), ('arm64', False)):
            mounts = [arg for arg in self.argv(arch=arch) if 'mount_tag' in arg]
            self.assertEqual(any('path=/,' in arg for arg in mounts), seen)
            self.assertTrue(any('mount_tag=share' in arg for arg in mounts))


if __name__ == '__main__':
    unittest.main()
