# SPDX-License-Identifier: GPL-2.0-only
"""Long steps: what is logged and shown, what a failure says, and how a command ends."""

import subprocess
import tempfile
import time
import unittest
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from lib import command, process
from lib.errors import Failure
from lib.estimate import Estimate
from lib.lock import lock
from lib.process import beside, step
from lib.progress import watched


class StepTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.log = self.folder / 'log'
        patcher = mock.patch('lib.estimate.cache', return_value=self.folder)
        patcher.start()
        self.addCleanup(patcher.stop)

    def step(self, script: str, estimate: Estimate | None = None,
             counts: Callable[[str], bool] | None = None) -> str:
        with redirect_stderr(StringIO()) as said:
            step('building', ['sh', '-c', script], self.log, counts=counts, estimate=estimate)
        return said.getvalue()

    def test_all_output_is_logged(self) -> None:
        self.step('echo a; printf b >&2')
        self.assertEqual(self.log.read_text(encoding='utf-8'), 'a\nb')

    def test_a_failure_shows_the_end_of_the_log(self) -> None:
        with self.assertRaises(Failure) as end:
            self.step('seq 100; exit 3')
        said = str(end.exception)
        self.assertIn('exit status 3', said)
        self.assertIn(str(self.log), said)
        self.assertEqual(said.splitlines()[1:],
                         [f'  {number}' for number in range(101 - process.TAIL, 101)])

    def test_a_program_that_is_missing(self) -> None:
        with redirect_stderr(StringIO()), self.assertRaises(Failure) as end:
            step('building', [self.folder / 'absent'], self.log)
        self.assertIn('run make setup', str(end.exception))

    def test_what_counts_is_counted_and_kept_for_the_next_estimate(self) -> None:
        said = self.step('echo CC a; echo b; echo CC c', Estimate('build', 9),
                         lambda line: line.startswith('CC'))
        self.assertIn('building  2/~9  ', said)
        self.assertEqual(Estimate('build', 9).total, 2)

    def test_a_build_that_fails_is_no_measure(self) -> None:
        with self.assertRaises(Failure):
            self.step('echo CC a; false', Estimate('build', 9), bool)
        self.assertEqual(Estimate('build', 9).total, 9)


class BesideTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        stack = ExitStack()
        self.addCleanup(stack.close)
        stack.enter_context(redirect_stderr(StringIO()))

    def beside(self, script: str) -> AbstractContextManager[None]:
        return beside('building', ['sh', '-c', script], self.folder / 'log', cwd=self.folder)

    def test_both_run_at_once(self) -> None:
        with self.beside('until [ -e body ]; do sleep 0.01; done; touch beside'):
            (self.folder / 'body').touch()
        self.assertTrue((self.folder / 'beside').exists())

    def test_a_failure_beside_is_one(self) -> None:
        with self.assertRaises(Failure) as end, self.beside('echo broken; false'):
            pass
        self.assertIn('  broken', str(end.exception))

    def test_a_failure_of_the_body_ends_both(self) -> None:
        begun = time.monotonic()
        with self.assertRaises(Failure) as end, self.beside('exec sleep 60'):
            raise Failure('no disk')
        self.assertEqual(str(end.exception), 'no disk')
        self.assertLess(time.monotonic() - begun, 30)


class WatchedTest(unittest.TestCase):
    def test_how_it_ended(self) -> None:
        with redirect_stderr(StringIO()) as said:
            with watched('testing', lambda: 3, 4):
                pass
            with self.assertRaises(Failure), watched('failing'):
                raise Failure('no')
        self.assertIn('testing  3/4  0:00  done', said.getvalue())
        self.assertIn('failing  0:00  failed', said.getvalue())


class LockTest(unittest.TestCase):
    def test_a_run_may_take_it_again_and_another_waits(self) -> None:
        waited = StringIO()
        with tempfile.TemporaryDirectory() as folder, \
                mock.patch('lib.lock.cache', return_value=Path(folder)), redirect_stderr(waited):
            with lock(), lock():
                pass
            with lock(), lock('other'):
                self.assertTrue(taken(Path(folder, 'lock')))
                self.assertTrue(taken(Path(folder, 'other')))
            self.assertFalse(taken(Path(folder, 'lock')))
        self.assertEqual(waited.getvalue(), '')


def taken(path: Path) -> bool:
    """Whether another process would have to wait."""
    return subprocess.run(['flock', '--nonblock', path, 'true'], check=False).returncode != 0


class CommandTest(unittest.TestCase):
    def end(self, main: Callable[[], int | None]) -> tuple[int | str | None, str]:
        with redirect_stderr(StringIO()) as said, self.assertRaises(SystemExit) as end:
            command.run(main)
        return end.exception.code, said.getvalue()

    def test_status(self) -> None:
        self.assertEqual(self.end(lambda: None), (0, ''))
        self.assertEqual(self.end(lambda: 3), (3, ''))

    def test_a_failure_is_printed(self) -> None:
        self.assertEqual(self.end(mock.Mock(side_effect=Failure('no disk: buy one'))),
                         (1, 'error: no disk: buy one\n'))

    def test_an_interrupt_is_not(self) -> None:
        self.assertEqual(self.end(mock.Mock(side_effect=KeyboardInterrupt)), (130, ''))


if __name__ == '__main__':
    unittest.main()
