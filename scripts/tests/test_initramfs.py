# SPDX-License-Identifier: GPL-2.0-only
"""What the guest finds in its initramfs."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib import initramfs
from lib.content import Content


class InitramfsTest(unittest.TestCase):
    def test_settings_are_read_back_as_they_were(self) -> None:
        odd = "it's a \"folder\" with $HOME and `ls`"
        with tempfile.TemporaryDirectory() as folder, mock.patch('os.getcwd', return_value=odd):
            archive = Path(folder) / 'initramfs'
            initramfs.make(archive, 'echo "$HOME"', '')
            with open(archive, 'rb') as file:
                subprocess.run(['cpio', '-id', '--quiet'], stdin=file, cwd=folder, check=True)
            self.assertEqual((Path(folder) / 'command').read_text(encoding='utf-8'),
                             'echo "$HOME"')
            self.assertTrue(os.access(Path(folder) / 'init', os.X_OK))
            said = subprocess.run(['sh', '-c', '. ./settings; printf %s "$DIRECTORY"'],
                                  cwd=folder, check=True, capture_output=True, text=True).stdout
            self.assertEqual(said, odd)

    def test_another_architecture_has_a_busybox_of_its_own_and_nothing_of_the_host(self) -> None:
        with tempfile.TemporaryDirectory() as name, \
                mock.patch('lib.initramfs.cache', return_value=Path(name)):
            folder = Path(name)
            Content(b'arm64').put(initramfs.busybox('arm64'))
            initramfs.make(folder / 'initramfs', 'uname', '', 'arm64')
            with open(folder / 'initramfs', 'rb') as file:
                subprocess.run(['cpio', '-id', '--quiet'], stdin=file, cwd=folder, check=True)
            self.assertEqual((folder / 'bin/busybox').read_text(encoding='utf-8'), 'arm64')
            self.assertIn('ROOT=busybox\n', (folder / 'settings').read_text(encoding='utf-8'))


if __name__ == '__main__':
    unittest.main()
