# SPDX-License-Identifier: GPL-2.0-only
"""What is made of a report of the torture, and of the guest's status."""

import json
import tempfile
import unittest
from pathlib import Path

import torture
from lib.results import Case, Result


class JudgeTest(unittest.TestCase):
    def judge(self, status: int, *complaints: str) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, 'report.json')
            report.write_text(json.dumps({'cases': [
                {'name': 'bytes', 'complaints': [], 'skipped': None},
                {'name': 'calls', 'complaints': complaints, 'skipped': None},
                {'name': 'slabs', 'complaints': [], 'skipped': 'no SLUB_DEBUG'}]}),
                encoding='utf-8')
            result = torture.judge('rust', 'key', status, report)
            self.report = json.loads(report.read_text(encoding='utf-8'))
        return result

    def failed(self, result: Result) -> list[str]:
        return [case.name for case in result.failed]

    def test_all_holds(self) -> None:
        result = self.judge(0)
        self.assertEqual((len(result.passed), result.failed), (3, []))

    def test_what_nobody_looked_at_is_skipped_and_says_why(self) -> None:
        self.assertEqual(self.judge(0).skipped, [Case('slabs', 'skipped', 'no SLUB_DEBUG')])

    def test_the_kernel_is_named(self) -> None:
        self.assertEqual(self.judge(0).kernels, {'rust': 'key'})
        self.assertEqual(self.report['kernel'], 'key')
        self.assertEqual(len(self.report['cases']), 3)

    def test_what_does_not_hold_is_named(self) -> None:
        self.assertEqual(self.failed(self.judge(1, 'EBUSY')), ['calls'])

    def test_a_fault_of_the_kernel_counts_whatever_the_program_says(self) -> None:
        fault = ['the kernel reported no fault']
        self.assertEqual(self.failed(self.judge(70)), fault)
        self.assertEqual(self.failed(self.judge(1)), fault)
        self.assertEqual(self.failed(self.judge(70, 'EBUSY')), ['calls', *fault])

    def test_no_report(self) -> None:
        self.assertEqual(self.failed(torture.judge('rust', 'key', 1, Path('absent'))), ['report'])
