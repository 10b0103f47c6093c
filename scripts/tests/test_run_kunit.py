# SPDX-License-Identifier: GPL-2.0-only
"""What is made of kunit.py's report and the kernel's log."""

import json
import tempfile
import unittest
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import run_kunit
from lib import qemu, results
from lib.results import Case, Result
from tests.test_vm import FINE

REPORT: dict[str, Any] = {
    'test_cases': [{'name': 'a', 'status': 'PASS'}], 'sub_groups': [
        {'name': 'suite', 'sub_groups': [], 'test_cases': [{'name': 'b', 'status': 'PASS'},
                                                           {'name': 'c', 'status': 'SKIP'}]}]}
WILD = '[    0.007] BUG: KASAN: wild-memory-access in rcu_is_watching+0x12/0x40\n'


class KunitTest(unittest.TestCase):
    def run_main(self, log: str, *args: str, name: str = 'kunit') -> int:
        def run(*_: object) -> tuple[int, str]:
            (self.folder / 'kunit.json').write_text(json.dumps(REPORT), encoding='utf-8')
            return 0, log

        with tempfile.TemporaryDirectory() as folder:
            self.folder = Path(folder)
            with mock.patch.multiple(run_kunit, run=run, Kernel=mock.Mock(), lock=nullcontext,
                                     LOG=self.folder, JSON=self.folder / 'kunit.json'), \
                    mock.patch('lib.results.RESULTS', self.folder), \
                    mock.patch('sys.argv', ['run_kunit.py', *args]), \
                    redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                status = run_kunit.main()
                found = results.read(name)
        assert found
        self.found: Result = found
        return status

    def test_each_case_with_its_group(self) -> None:
        self.assertEqual(list(run_kunit.cases(REPORT)),
                         [Case('a'), Case('suite.b'), Case('suite.c', 'skipped', 'SKIP')])

    def test_all_well(self) -> None:
        self.assertEqual(self.run_main(FINE), 0)
        self.assertEqual(self.found, Result('kunit', list(run_kunit.cases(REPORT))))

    def test_a_fault_of_the_kernel(self) -> None:
        self.assertEqual(self.run_main(WILD), 1)
        self.assertEqual([case.name for case in self.found.failed], ['kernel'])

    def test_each_kernel_has_a_result_of_its_own(self) -> None:
        self.assertEqual(self.run_main(FINE, '--impl=small', name='kunit-small'), 0)
        self.assertEqual(self.run_main(FINE, '--arch=arm64', name='kunit-arm64'), 0)

    def started(self, accelerator: str, arch: str = 'x86') -> tuple[list[str], list[str]]:
        """The command line of kunit.py, and the folders in its PATH."""
        with tempfile.TemporaryDirectory() as name, mock.patch('subprocess.run') as started, \
                mock.patch('lib.qemu.accelerator', return_value=accelerator):
            kernel = mock.Mock(src=Path(name), obj=Path(name), env={'PATH': '/usr/bin:/bin'},
                               arch=arch)
            run_kunit.run(kernel, 'tcp*', 60, Path(name) / 'log')
        return started.call_args[0][0], started.call_args[1]['env']['PATH'].split(':')

    def test_only_the_named_suites_are_run(self) -> None:
        self.assertEqual(self.started('kvm')[0][2:4], ['exec', 'tcp*'])

    def test_qemu_is_kept_off_a_kvm_that_does_not_work(self) -> None:
        usual = [str(qemu.own() / 'usr/bin'), '/usr/bin', '/bin']
        self.assertEqual(self.started('kvm')[1], usual)
        for arch, machine in qemu.MACHINES.items():
            first, *others = self.started('tcg', arch)[1]
            self.assertTrue(Path(first, machine.program).exists())
            self.assertEqual(others, [str(qemu.own(arch) / 'usr/bin'), '/usr/bin', '/bin'])

    def test_the_machine_is_that_of_the_architecture(self) -> None:
        argv = self.started('tcg', 'arm64')[0]
        self.assertIn('--arch=arm64', argv)
        self.assertNotIn('--kernel_args=no_timer_check', argv)


if __name__ == '__main__':
    unittest.main()
