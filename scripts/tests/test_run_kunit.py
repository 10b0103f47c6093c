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
    def run_main(self, log: str) -> int:
        def run(*_: object) -> tuple[int, str]:
            (self.folder / 'kunit.json').write_text(json.dumps(REPORT), encoding='utf-8')
            return 0, log

        with tempfile.TemporaryDirectory() as name:
            self.folder = Path(name)
            with mock.patch.multiple(run_kunit, run=run, Kernel=mock.Mock(), lock=nullcontext,
                                     LOG=self.folder, JSON=self.folder / 'kunit.json'), \
                    mock.patch('lib.results.RESULTS', self.folder), \
                    mock.patch('sys.argv', ['run_kunit.py']), \
                    redirect_stdout(StringIO()), redirect_stderr(StringIO()):
                status = run_kunit.main()
                found = results.read('kunit')
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

    def started(self, accelerator: str) -> tuple[list[str], list[str]]:
        """The command line of kunit.py, and the folders in its PATH."""
        with tempfile.TemporaryDirectory() as name, mock.patch('subprocess.run') as started, \
                mock.patch('lib.qemu.accelerator', return_value=accelerator):
            kernel = mock.Mock(src=Path(name), obj=Path(name), env={'PATH': '/usr/bin:/bin'})
            run_kunit.run(kernel, 'tcp*', 60, Path(name) / 'log')
        return started.call_args[0][0], started.call_args[1]['env']['PATH'].split(':')

    def test_only_the_named_suites_are_run(self) -> None:
        self.assertEqual(self.started('kvm')[0][2:4], ['exec', 'tcp*'])

    def test_qemu_is_kept_off_a_kvm_that_does_not_work(self) -> None:
        usual = [str(qemu.own() / 'usr/bin'), '/usr/bin', '/bin']
        self.assertEqual(self.started('kvm')[1], usual)
        first, *others = self.started('tcg')[1]
        self.assertTrue(Path(first, 'qemu-system-x86_64').exists())
        self.assertEqual(others, usual)


if __name__ == '__main__':
    unittest.main()
