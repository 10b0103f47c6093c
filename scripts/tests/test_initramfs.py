# SPDX-License-Identifier: GPL-2.0-only
"""What the guest finds in its initramfs."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib import initramfs


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


if __name__ == '__main__':
    unittest.main()
