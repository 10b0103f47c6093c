# SPDX-License-Identifier: GPL-2.0-only
"""The parts of make series-check come together in one table and one result."""

import unittest
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import series_check
from lib.backports import Verdict
from lib.patches import Patch
from lib.results import Case, Result

PATCHES = [Patch(Path(f'{series}/0001-a.patch'), '') for series in ('fixes', 'links')]


class SeriesCheckTest(unittest.TestCase):
    def run_main(self, *argv: str) -> tuple[int, list[Case], str]:
        """Its status, the cases that it keeps, and what it prints."""
        self.checker = mock.Mock()
        self.checker.patches.side_effect = lambda series: [Case(f'{series}/0001: on')]
        self.checker.end.side_effect = lambda series: [Case(f'{series}: end', 'failed', 'why')]
        kernel = mock.Mock(version='6.1.9')
        kept: list[Result] = []
        with ExitStack() as stack:
            for name, value in {
                    'read_patches': lambda: PATCHES, 'series_names': lambda: ['fixes', 'links'],
                    'tree.overlay': dict, 'source.find': lambda: None, 'Upstream': mock.Mock(),
                    'shutil.which': lambda _: '/usr/bin/true',
                    'lock': lambda _: ExitStack(), 'Checker': lambda *_: self.checker,
                    'checkpatch.of_series': lambda *_: {'fixes/0001': ['bad'], 'links/0001': []},
                    'backports.fetch': list, 'backports.kernels': lambda *_: [kernel],
                    'backports.check': lambda *_: [Verdict('by hand', True, 'it differs')],
                    'results.write': kept.append}.items():
                stack.enter_context(mock.patch(f'series_check.{name}', value))
            stack.enter_context(mock.patch('sys.argv', ['series_check.py', *argv]))
            said = stack.enter_context(redirect_stdout(StringIO()))
            status = series_check.main()
        return status, [case for result in kept for case in result.cases], said.getvalue()

    def test_everything(self) -> None:
        status, cases, said = self.run_main()
        self.assertEqual(status, 1)
        self.assertEqual([case.name for case in cases], [
            'fixes/0001: checkpatch', 'links/0001: checkpatch', 'fixes/0001: on 6.1.9',
            'fixes/0001: on', 'fixes: end', 'links/0001: on', 'links: end'])
        self.assertEqual([case.name for case in cases if case.verdict == 'failed'],
                         ['fixes/0001: checkpatch', 'fixes: end', 'links: end'])
        self.assertRegex(said, r'(?m)^ +6\.1\.9\nfixes/0001 +by hand$')
        self.assertRegex(said, r'(?m)^fixes/0001 +CHECKPATCH FAILED, on 6\.1\.9, on$')

    def test_one_series_and_one_part(self) -> None:
        status, kept, said = self.run_main('--part', 'checkpatch', 'links')
        self.assertEqual((status, kept), (0, []))
        self.assertEqual(said.split(), ['links/0001', 'checkpatch', 'series-check:', '1', 'passed,',
                                        '0', 'failed,', '0', 'skipped'])
        self.checker.patches.assert_not_called()

    def test_only_the_fixes_go_to_other_kernels(self) -> None:
        _, cases, said = self.run_main('links')
        self.assertEqual([case.name for case in cases],
                         ['links/0001: checkpatch', 'links/0001: on', 'links: end'])
        self.assertNotIn('6.1.9', said)


if __name__ == '__main__':
    unittest.main()
