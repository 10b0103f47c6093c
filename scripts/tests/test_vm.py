# SPDX-License-Identifier: GPL-2.0-only
"""What a run in the guest is worth, and what the guest is started with."""

import subprocess
import sys
import tempfile
import time
import unittest
from contextlib import redirect_stderr
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest import mock

from lib import results, vm


class VerdictTest(unittest.TestCase):
    def verdict(self, status: str, *report: str, in_time: bool = True) -> int:
        with redirect_stderr(StringIO()) as self.said:
            return vm.verdict(report, Path('vm.log'), status, in_time, '0:10')

    def test_the_command_decides(self) -> None:
        self.assertEqual([self.verdict('0'), self.verdict('3')], [0, 3])
        self.assertEqual(self.said.getvalue(), '')

    def test_a_fault_fails_a_good_command(self) -> None:
        self.assertEqual(self.verdict('0', 'BUG: sleeping function'), 70)
        self.assertIn('BUG: sleeping function', self.said.getvalue())

    def test_a_fault_leaves_a_failure_alone(self) -> None:
        self.assertEqual(self.verdict('3', 'BUG: sleeping function'), 3)

    def test_no_status(self) -> None:
        self.assertEqual(self.verdict(''), 70)
        self.assertIn('ended before', self.said.getvalue())

    def test_out_of_time(self) -> None:
        self.assertEqual(self.verdict('', in_time=False), 124)
        self.assertIn('0:10', self.said.getvalue())


class PumpTest(unittest.TestCase):
    def pump(self, script: str, seconds: float) -> tuple[bool, bytes]:
        out = BytesIO()
        port = vm.Port('out', out)
        with subprocess.Popen(['sh', '-c', script], pass_fds=[port.theirs.fileno()],
                              env={'PORT': str(port.theirs.fileno()), 'PATH': '/usr/bin:/bin'}) \
                as child:
            port.theirs.close()
            with port.ours:
                in_time = vm.pump(child, [port], time.monotonic() + seconds)
        return in_time, out.getvalue()

    def test_output(self) -> None:
        self.assertEqual(self.pump('printf "a\\nb" >&$PORT', 10), (True, b'a\nb'))

    def test_out_of_time(self) -> None:
        self.assertEqual(self.pump('printf a >&$PORT; exec sleep 60', 0.5), (False, b'a'))


# In QEMU's place: writes the next of the logs, and says so on both ports for output.
QEMU = """
import os, sys
folder, log, *args = sys.argv[1:]
ports = {name: int(fd) for name, fd in (
    arg.removeprefix('socket,id=').split(',fd=') for arg in args if arg.startswith('socket,'))}
number = len(os.listdir(folder)) + 1
open(f'{folder}/{number}', 'w').close()
with open(log, 'w') as file:
    file.write(LOGS[number - 1])
os.write(ports['out'], b'out %d\\n' % number)
os.write(ports['err'], b'err %d\\n' % number)
if WAIT:
    import time
    time.sleep(20)
os.write(ports['status'], b'clock\\n' if 'deviates' in LOGS[number - 1] else b'0\\n')
"""
WRONG = '[    0.007] tsc: PIT calibration deviates from HPET: 119391 2098703\n'
FINE = '[    1.0] fine\n'


class AgainTest(unittest.TestCase):
    """A boot that is made again: what is printed, by which boot, and what is counted."""

    def boot(self, *logs: str, wait: bool = False, **options: Any) -> int:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / 'boots').mkdir()
            qemu = QEMU.replace('LOGS', repr(logs)).replace('WAIT', repr(wait))
            out = TextIOWrapper(BytesIO(), encoding='utf-8', write_through=True)
            with mock.patch('lib.results.RESULTS', folder), mock.patch('lib.vm.LOG', folder), \
                    mock.patch('lib.vm.Kernel'), mock.patch('lib.initramfs.make'), \
                    mock.patch('lib.qemu.argv', lambda *_, log, **__: [
                        sys.executable, '-c', qemu, str(folder / 'boots'), str(log)]), \
                    mock.patch('sys.stdout', out), mock.patch('sys.stderr', out):
                try:
                    status = vm.run('rust', 'command', **options)
                finally:
                    self.counted = len(results.boots_again())
                    out.seek(0)
                    self.said = out.read()
            self.boots = len(list((folder / 'boots').iterdir()))
        return status

    def printed(self) -> list[str]:
        return [line for line in self.said.splitlines() if line[:4] in ('out ', 'err ')]

    def test_a_boot_that_is_fine(self) -> None:
        self.assertEqual(self.boot(FINE), 0)
        self.assertEqual((self.boots, self.counted), (1, 0))
        self.assertEqual(self.said, 'out 1\nerr 1\n')

    def test_a_real_fault(self) -> None:
        self.assertEqual(self.boot('[    0.1] BUG: KASAN: wild-memory-access in a+0x12/0x40\n'),
                         70)
        self.assertEqual((self.boots, self.counted), (1, 0))
        self.assertEqual(self.printed(), ['out 1', 'err 1'])

    def test_a_wrong_clock(self) -> None:
        self.assertEqual(self.boot(WRONG, WRONG, FINE), 0)
        self.assertEqual((self.boots, self.counted), (3, 2))
        self.assertEqual(self.boot(WRONG, WRONG, WRONG), 70)
        self.assertEqual(self.counted, 2)
        self.assertIn('too busy', self.said.splitlines()[-1])

    def test_a_wrong_clock_excuses_no_fault(self) -> None:
        self.assertEqual(self.boot(WRONG + '[    0.1] BUG: KASAN: use-after-free in a+0x1/0x2\n'),
                         70)
        self.assertEqual((self.boots, self.counted), (1, 0))

    def test_what_was_printed_when_time_runs_out(self) -> None:
        self.assertEqual(self.boot(FINE, wait=True, timeout=2), 124)
        self.assertEqual(self.printed(), ['out 1', 'err 1'])

    def test_what_was_printed_when_it_is_ended(self) -> None:
        start = time.monotonic()
        with mock.patch('lib.vm.pump', lambda _, ports, __:
                        ports[0].read() and sys.exit(143)), \
                self.assertRaises(SystemExit):
            self.boot(FINE, wait=True)
        self.assertLess(time.monotonic() - start, 10, 'QEMU was left running')
        self.assertEqual(self.said, 'out 1\n')


if __name__ == '__main__':
    unittest.main()
