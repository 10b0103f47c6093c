# SPDX-License-Identifier: GPL-2.0-only
"""The sums of make test, and that nothing which did not run is taken for good."""

import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import xmlrunner

import ccswap
import test as runner
from lib import cargo, results
from lib.results import Case, Result, Verdict


def made(name: str, passed: int, failed: int = 0, skipped: int = 0) -> Result:
    verdicts: dict[Verdict, int] = {'passed': passed, 'failed': failed, 'skipped': skipped}
    return Result(name, [Case(f'{verdict}-{number}', verdict) for verdict, count in verdicts.items()
                         for number in range(count)])


PART = runner.Part('part', ('part.py',), ('one', 'two'))


class ResultsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        patcher = mock.patch('lib.results.RESULTS', Path(folder.name))
        patcher.start()
        self.addCleanup(patcher.stop)

    def test_written_and_read(self) -> None:
        result = Result('one', [Case('a'), Case('b', 'failed', 'it said "<&>"'),
                                Case('c', 'skipped', 'no time')], {'c': 'key', 'rust': ''})
        results.write(result)
        self.assertEqual(results.read('one'), result)

    def test_an_unknown_kernel_is_said_to_be(self) -> None:
        self.assertEqual(results.key_lines({'c': 'key', 'rust': ''}),
                         ['kernel-c: key', 'kernel-rust: unknown'])

    def test_a_case_without_a_message(self) -> None:
        results.write(Result('one', [Case('a', 'failed')]))
        self.assertEqual(results.read('one'), Result('one', [Case('a', 'failed')]))

    def test_what_xml_does_not_allow_is_replaced(self) -> None:
        results.write(Result('one', [Case('a\0', 'failed', 'red \x1b[31m')]))
        self.assertEqual(results.read('one'), Result('one', [Case('a?', 'failed', 'red ?[31m')]))

    def test_what_unittest_ran(self) -> None:
        class Some(unittest.TestCase):
            def test_fine(self) -> None:
                pass

            def test_wrong(self) -> None:
                self.fail('in two\nlines')

            def test_broken(self) -> None:
                raise OSError('broken')

            @unittest.skip('no time')
            def test_skipped(self) -> None:
                pass

        with open(results.path('one'), 'wb') as output:
            xmlrunner.XMLTestRunner(output=output, stream=io.StringIO()).run(
                unittest.defaultTestLoader.loadTestsFromTestCase(Some))
        found = results.read('one')
        assert found
        self.assertEqual({case.name: (case.verdict, case.message) for case in found.cases},
                         {'test_fine': ('passed', ''), 'test_wrong': ('failed', 'in two lines'),
                          'test_broken': ('failed', 'broken'),
                          'test_skipped': ('skipped', 'no time')})

    def test_unreadable(self) -> None:
        self.assertIsNone(results.read('one'))
        for text in ('', '<testsuites>', '<html/>'):
            results.path('one').write_text(text, encoding='utf-8')
            self.assertIsNone(results.read('one'), text)

    def test_last_line(self) -> None:
        self.assertEqual(results.last_line([made('a', 3, 1, 1), made('b', 4)]),
                         '7 passed, 1 failed')

    def test_boots_made_again(self) -> None:
        results.forget_boots_again()
        self.assertEqual(results.boots_again(), [])
        results.count_boot_again(Path('a.log'))
        results.count_boot_again(Path('b.log'))
        self.assertEqual(results.boots_again(), ['a.log', 'b.log'])
        results.forget_boots_again()
        self.assertEqual(results.boots_again(), [])

    def sums(self, status: int) -> tuple[int, int]:
        found = runner.collect(PART, status)
        return sum(len(r.passed) for r in found), sum(len(r.failed) for r in found)

    def test_all_well(self) -> None:
        results.write(made('one', 3))
        results.write(made('two', 4))
        self.assertEqual(self.sums(0), (7, 0))

    def test_a_result_that_is_missing(self) -> None:
        results.write(made('one', 3))
        self.assertEqual(self.sums(0), (3, 1))

    def test_a_result_without_a_test(self) -> None:
        results.write(made('one', 3))
        results.write(made('two', 0, 0, 2))
        self.assertEqual(self.sums(0), (3, 1))

    def test_a_status_that_the_counts_do_not_explain_is_of_the_command(self) -> None:
        results.write(made('one', 3))
        results.write(made('two', 4))
        self.assertEqual(self.sums(70), (7, 1))
        *found, last = runner.collect(PART, 70)
        self.assertEqual([result.failed for result in found], [[], []])
        self.assertEqual(last, Result('part.py', [
            Case('part.py', 'failed', 'it ended with status 70')]))

    def test_a_failure_is_counted_once(self) -> None:
        results.write(made('one', 3, 2))
        results.write(made('two', 4))
        self.assertEqual(self.sums(1), (7, 2))

    def table(self, *found: Result) -> list[list[str]]:
        text = runner.table([runner.Row('part', list(found), ['vm.log'], 62)])
        return [line.split() for line in text.splitlines()[1:]]

    def test_the_table_names_what_did_not_pass_under_its_result(self) -> None:
        self.assertEqual(self.table(made('one', 3, 1, 1), made('two', 4)), [
            ['part', 'one', '3', '1', '1', '1:02'], ['FAILED', 'failed-0'],
            ['skipped', 'skipped-0'], ['two', '4', '0', '0'],
            ['BOOTED', 'AGAIN,', 'the', 'host', 'was', 'busy,', 'see', 'vm.log']])

    def test_the_table_does_not_name_many_that_were_skipped(self) -> None:
        lines = self.table(made('one', 1, 0, runner.SHOWN + 1))
        self.assertEqual(lines[0][:5], ['part', 'one', '1', '0', str(runner.SHOWN + 1)])
        self.assertEqual(lines[1], ['skipped:', 'see', str(results.path('one'))])


class CcswapTest(unittest.TestCase):
    def test_what_cargo_ran(self) -> None:
        output = ('running 2 tests\ntest cli::a ... ok\ntest cli::b ... FAILED\n'
                  'test cli::c ... ignored\ntest cli::d ... ignored, needs root\n'
                  'test src/a.rs - f (line 3) ... ok\n'
                  'test result: FAILED. 2 passed; 1 failed; 2 ignored; 0 measured\n')
        self.assertEqual(cargo.cases(output), [
            Case('cli::a'), Case('cli::b', 'failed'), Case('cli::c', 'skipped'),
            Case('cli::d', 'skipped', 'needs root'), Case('src/a.rs - f (line 3)')])
        self.assertEqual(cargo.cases('error: could not compile'), [])

    def told(self, impl: str) -> str:
        """What the guest is told to run in the demo."""
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch('lib.cargo.Workspace.build_with_kernel'), \
                mock.patch('lib.results.write'), \
                mock.patch('lib.vm.run', return_value=0) as run:
            ccswap.demo(impl, 5, Path(folder), False)
        script: str = run.call_args_list[0][0][1]
        return script

    def test_kernels_that_give_the_guarantee_are_held_to_it(self) -> None:
        self.assertTrue(self.told('rust').endswith(' --guarantee'))
        self.assertTrue(self.told('tcp').endswith(' --guarantee'))
        self.assertTrue(self.told('debug').endswith(' --guarantee'))
        self.assertNotIn('guarantee', self.told('c') + self.told('links'))

    def test_kernels_with_links_in_rust_are_held_to_their_tracepoints(self) -> None:
        for impl, expected in (('rust', True), ('links', True), ('debug', True), ('c', False),
                               ('tcp', False)):
            self.assertEqual(ccswap.traced(impl) == ['--tracepoints'], expected, impl)


if __name__ == '__main__':
    unittest.main()
