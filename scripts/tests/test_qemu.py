# SPDX-License-Identifier: GPL-2.0-only
"""How QEMU can run a guest on a machine, and what it is told."""

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

    def stale(self, accelerator: str, version: str) -> bool:
        qemu.name.cache_clear()
        self.addCleanup(qemu.name.cache_clear)
        with mock.patch('lib.qemu.accelerator', return_value=accelerator), \
                mock.patch('shutil.which', return_value='/usr/bin/qemu-system-x86_64'), \
                mock.patch('subprocess.run', return_value=mock.Mock(
                    stdout=f'QEMU emulator version {version} (Debian 1:{version}+dfsg-1)\n')):
            return qemu.runs_stale_code()

    def test_which_qemu_runs_stale_code(self) -> None:
        self.assertTrue(self.stale('tcg', '7.2.22'))
        self.assertTrue(self.stale('tcg', '8.0.5'))
        self.assertFalse(self.stale('tcg', '8.1.0'))
        self.assertFalse(self.stale('tcg', '10.0.2'))
        self.assertFalse(self.stale('kvm', '7.2.22'))

    def test_arguments_for_the_kernel_follow_those_that_every_guest_has(self) -> None:
        argv = qemu.argv(Path('image'), Path('initramfs'), kernel_args=['a=b', 'c'], memory='2G',
                         cpus=2, log=Path('log'), threads='multi')
        every = qemu.argv(Path('image'), Path('initramfs'), kernel_args=[], memory='2G',
                          cpus=2, log=Path('log'), threads='multi')
        place = argv.index('-append') + 1
        self.assertEqual(argv[place], f'{every[place]} a=b c')


if __name__ == '__main__':
    unittest.main()
