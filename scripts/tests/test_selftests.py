# SPDX-License-Identifier: GPL-2.0-only
"""Tests of what selftests.py makes of sources and of test_progs' output."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import selftests  # noqa: E402
from lib.results import Result  # noqa: E402
from selftests import Difference, Outcome, Tests  # noqa: E402

OUTPUT = '''\
#1       bpf_iter_setsockopt:OK
#2/1     bpf_tcp_ca/dctcp:OK
#2/2     bpf_tcp_ca/cubic:SKIP
#2       bpf_tcp_ca:OK (SKIP: 1/2)
test_tcp:FAIL:nr_listen unexpected nr_listen: actual 0 != expected 1
#3       setget_sockopt:FAIL
#4/1     link/update:OK
#4/10    link/pinned, and reopened:FAIL
#4       link:FAIL
#5/1     life/detach:OK
#5       life:FAIL
#6       absent:SKIP (not built)
Summary: 20/87 PASSED, 0 SKIPPED, 2/1 FAILED
'''


def verdicts(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.name: outcome.verdict for outcome in outcomes}


class Parse(unittest.TestCase):
    def test_each_subtest_and_tests_without(self) -> None:
        self.assertEqual(verdicts(selftests.parse(OUTPUT)), {
            'bpf_iter_setsockopt': 'OK',
            'bpf_tcp_ca/dctcp': 'OK',
            'bpf_tcp_ca/cubic': 'SKIP',
            'setget_sockopt': 'FAIL',
            'link/update': 'OK',
            'link/pinned, and reopened': 'FAIL',
            'life/detach': 'OK',
            'life': 'FAIL',
            'absent': 'SKIP',
        })

    def test_nothing(self) -> None:
        self.assertEqual(selftests.parse('Killed\n'), [])


class Differences(unittest.TestCase):
    def test_entries(self) -> None:
        self.assertEqual(
            selftests.differences('# why\n\nfails  a/b  is slow\nnot-run  a/c  is fatal\n'),
            [Difference('fails', 'a/b', 'is slow'), Difference('not-run', 'a/c', 'is fatal')])

    def test_bad_entries(self) -> None:
        for line in ('fails a/b', 'falls a/b because', 'fails'):
            with self.subTest(line), contextlib.redirect_stderr(io.StringIO()), \
                    self.assertRaises(SystemExit):
                selftests.differences(line + '\n')

    def test_the_list_is_well_formed_and_names_tests(self) -> None:
        own = selftests.find(selftests.OWN, own=True).names
        for difference in selftests.differences(selftests.read(selftests.DIFFERENCES)):
            self.assertIn(difference.test, own)

    def expect(self, verdict: str) -> Outcome:
        outcomes = [Outcome('a/b', verdict)] if verdict else []
        selftests.expect(outcomes, {'a/b': 'is slow'})
        return outcomes[0]

    def test_an_expected_failure_is_good(self) -> None:
        outcome = self.expect('FAIL')
        self.assertTrue(outcome.good)
        self.assertEqual(outcome.reason, 'is slow')

    def test_a_difference_that_has_gone_is_not(self) -> None:
        for verdict in ('OK', 'SKIP', ''):
            self.assertFalse(self.expect(verdict).good)


class Run(unittest.TestCase):
    def run_with(self, output: str, status: int, names: list[str]) -> list[Outcome]:
        kernel = mock.Mock(impl='c')
        with tempfile.TemporaryDirectory() as folder, \
                contextlib.redirect_stderr(io.StringIO()):
            log = Path(folder) / 'log'

            def guest(*_: object, **__: object) -> int:
                log.write_text(output, encoding='utf-8')
                return status

            with mock.patch('lib.vm.run', guest):
                return selftests.run(kernel, Path('/out'), names, [], log)

    def test_a_test_that_left_no_word_is_a_failure(self) -> None:
        outcomes = verdicts(self.run_with('#1 a:OK\n', 0, ['a', 'b']))
        self.assertEqual(outcomes, {'a': 'OK', 'b': 'did not come to its end'})

    def test_a_fault_of_the_kernel_is_a_failure(self) -> None:
        outcomes = self.run_with('#1 a:OK\n', 70, ['a'])
        self.assertEqual([outcome.good for outcome in outcomes], [True, False])


class Report(unittest.TestCase):
    def report(self, *outcomes: Outcome) -> tuple[Result, str]:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            result = selftests.report('part', list(outcomes), 'title')
        return result, out.getvalue()

    def test_counts(self) -> None:
        result, text = self.report(Outcome('a/1', 'OK'), Outcome('a/2', 'FAIL'),
                                   Outcome('b', 'FAIL', 'known'))
        self.assertEqual(result, Result('part', 1, 1, [], ['a/2']))
        self.assertIn('FAILED a 1/2', text)
        self.assertIn('ok     b 0/1', text)
        self.assertIn('title: 1 passed, 1 failed', text)

    def test_a_skip_fails_by_name(self) -> None:
        result, text = self.report(Outcome('a/1', 'OK'), Outcome('a/2', 'SKIP'))
        self.assertEqual(result, Result('part', 1, 1, [], ['a/2: SKIP']))
        self.assertIn('a/2: SKIP', text)


class Main(unittest.TestCase):
    """A run of both parts, of which each is to answer for its own tests."""

    def run_main(self, output: str) -> tuple[dict[str, Result], int]:
        kept: dict[str, Result] = {}
        tests = {'upstream': mock.Mock(names=['a']), 'own': mock.Mock(names=['b'])}
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch.multiple(
                    selftests, Kernel=mock.Mock(
                        return_value=mock.Mock(impl='rust', src=Path(folder))),
                    lock=contextlib.nullcontext, LOG=Path(folder), build=mock.Mock(),
                    find=lambda _, own: tests['own' if own else 'upstream']), \
                mock.patch('lib.results.write',
                           lambda result: kept.update({result.name: result})), \
                mock.patch('lib.vm.run', lambda *_, out, **__:
                           out.write_text(output, encoding='utf-8') and 0), \
                mock.patch('sys.argv', ['selftests.py']), \
                contextlib.redirect_stdout(io.StringIO()), \
                contextlib.redirect_stderr(io.StringIO()):
            try:
                selftests.main()
                status = 0
            except SystemExit as end:
                status = int(end.code or 0)
        return kept, status

    def test_all_well(self) -> None:
        kept, status = self.run_main('#1 a:OK\n#2 b:OK\n')
        self.assertEqual([(r.passed, r.failed) for r in kept.values()], [(1, 0), (1, 0)])
        self.assertEqual(status, 0)

    def test_a_skip_is_charged_to_its_own_part(self) -> None:
        kept, status = self.run_main('#1/1 a/1:OK\n#1/2 a/2:SKIP\n#1 a:OK\n#2 b:OK\n')
        self.assertEqual(kept['selftests-upstream-rust'].failures, ['a/2: SKIP'])
        self.assertEqual(kept['selftests-own-rust'],
                         Result('selftests-own-rust', 1, 0))
        self.assertEqual(status, 1)


class Sources(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name, text in {
                'prog_tests/one.c': '#include "one.skel.h"\n'
                                    'static void test_part(void)\nvoid test_one(void)\n',
                'prog_tests/two.c': 'open("two_a.bpf.o");\nvoid serial_test_two()\n'
                                    'void test_two_more(void)\n',
                'prog_tests/shared.h': '', 'prog_tests/tests.h': '',
                'progs/one.c': '', 'progs/two_a.c': '', 'progs/three.c': '', 'progs/x.h': '',
        }.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding='utf-8')
        self.tests = Tests(self.folder, sorted((self.folder / 'prog_tests').glob('*.c')))

    def test_names(self) -> None:
        self.assertEqual(self.tests.names, ['one', 'two', 'two_more'])

    def test_only_what_is_needed(self) -> None:
        self.assertEqual({path.name for path in selftests.needed(self.tests)},
                         {'one.c', 'two.c', 'two_a.c', 'shared.h', 'tests.h', 'x.h'})

    def test_copy_keeps_the_times_of_what_is_the_same(self) -> None:
        target = self.folder / 'target'
        files = {path.relative_to(self.folder): path for path in self.tests.files}
        files[Path('progs/one.c')] = self.folder / 'progs/one.c'
        selftests.copy(files, target)
        (target / 'prog_tests/stale.c').touch()
        before = (target / 'prog_tests/one.c').stat().st_mtime_ns
        files[Path('prog_tests/two.c')].write_text('changed', encoding='utf-8')
        selftests.copy(files, target)
        self.assertEqual((target / 'prog_tests/one.c').stat().st_mtime_ns, before)
        self.assertEqual((target / 'prog_tests/two.c').read_text(encoding='utf-8'), 'changed')
        self.assertFalse((target / 'prog_tests/stale.c').exists())

    def test_mirror_links_all_but_the_selftests(self) -> None:
        source, tree = self.folder / 'source', self.folder / 'tree'
        (source / selftests.BPF).mkdir(parents=True)
        (source / 'tools/lib').mkdir()
        (source / 'Makefile').touch()
        for _ in range(2):
            selftests.mirror(source, tree)
        self.assertTrue((tree / 'Makefile').is_symlink())
        self.assertTrue((tree / 'tools/lib').is_symlink())
        self.assertFalse((tree / 'tools').is_symlink())
        self.assertFalse((tree / selftests.BPF).exists())


if __name__ == '__main__':
    unittest.main()
