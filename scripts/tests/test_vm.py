# SPDX-License-Identifier: GPL-2.0-only
"""What a run in the guest is worth, and what the guest is started with."""

import os
import subprocess
import tempfile
import unittest
from contextlib import redirect_stderr
from io import BytesIO, StringIO
from pathlib import Path
from unittest import mock

from lib import vm


class VerdictTest(unittest.TestCase):
    def verdict(self, status: str, log: str = '[    1.0] fine\n', in_time: bool = True) -> int:
        with redirect_stderr(StringIO()) as self.said:
            return vm.verdict(log, Path('vm.log'), status, in_time, '0:10')

    def test_the_command_decides(self) -> None:
        self.assertEqual([self.verdict('0'), self.verdict('3')], [0, 3])
        self.assertEqual(self.said.getvalue(), '')

    def test_a_fault_fails_a_good_command(self) -> None:
        self.assertEqual(self.verdict('0', '[    1.0] BUG: sleeping function\n'), 70)
        self.assertIn('BUG: sleeping function', self.said.getvalue())

    def test_a_fault_leaves_a_failure_alone(self) -> None:
        self.assertEqual(self.verdict('3', '[    1.0] BUG: sleeping function\n'), 3)

    def test_no_status(self) -> None:
        self.assertEqual(self.verdict(''), 70)
        self.assertIn('ended before', self.said.getvalue())

    def test_out_of_time(self) -> None:
        self.assertEqual(self.verdict('', in_time=False), 124)
        self.assertIn('0:10', self.said.getvalue())


class MachineTest(unittest.TestCase):
    def accelerator(self, *exist: str) -> str:
        with mock.patch('os.path.exists', lambda path: path in exist), \
                mock.patch('os.access', lambda path, mode: path in exist):
            return vm.accelerator()

    def test_accelerator(self) -> None:
        self.assertEqual(self.accelerator('/dev/kvm', '/sys/module/kvm_intel'), 'kvm')
        self.assertEqual(self.accelerator('/dev/kvm', '/sys/module/kvm_amd'), 'kvm')
        self.assertEqual(self.accelerator('/dev/kvm'), 'tcg')
        self.assertEqual(self.accelerator('/sys/module/kvm_intel'), 'tcg')
        self.assertEqual(self.accelerator(), 'tcg')

    def test_what_is_needed_of_tmp_is_seen(self) -> None:
        self.assertEqual(vm.empty_tmp(Path('/home/a'), Path('/tmpfs/b')), 'yes')
        self.assertEqual(vm.empty_tmp(Path('/tmp/a'), Path('/home/b')), '')
        self.assertEqual(vm.empty_tmp(Path('/home/a'), Path('/tmp/b')), '')

    def test_settings_are_read_back_as_they_were(self) -> None:
        odd = "it's a \"folder\" with $HOME and `ls`"
        with tempfile.TemporaryDirectory() as folder, mock.patch('os.getcwd', return_value=odd):
            archive = Path(folder) / 'initramfs'
            vm.make_initramfs(archive, 'echo "$HOME"', '')
            with open(archive, 'rb') as file:
                subprocess.run(['cpio', '-id', '--quiet'], stdin=file, cwd=folder, check=True)
            self.assertEqual((Path(folder) / 'command').read_text(encoding='utf-8'),
                             'echo "$HOME"')
            self.assertTrue(os.access(Path(folder) / 'init', os.X_OK))
            said = subprocess.run(['sh', '-c', '. ./settings; printf %s "$DIRECTORY"'],
                                  cwd=folder, check=True, capture_output=True, text=True).stdout
            self.assertEqual(said, odd)


class PumpTest(unittest.TestCase):
    def pump(self, script: str, seconds: float) -> tuple[bool, bytes]:
        out = BytesIO()
        port = vm.Port('out', out)
        with subprocess.Popen(['sh', '-c', script], pass_fds=[port.theirs.fileno()],
                              env={'PORT': str(port.theirs.fileno()), 'PATH': '/usr/bin:/bin'}) \
                as child:
            port.theirs.close()
            with port.ours:
                in_time = vm.pump(child, [port], vm.time.monotonic() + seconds)
        return in_time, out.getvalue()

    def test_output(self) -> None:
        self.assertEqual(self.pump('printf "a\\nb" >&$PORT', 10), (True, b'a\nb'))

    def test_out_of_time(self) -> None:
        self.assertEqual(self.pump('printf a >&$PORT; exec sleep 60', 0.5), (False, b'a'))


if __name__ == '__main__':
    unittest.main()
