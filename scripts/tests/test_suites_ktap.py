# SPDX-License-Identifier: GPL-2.0-only
"""What is made of the output of programs, and how a script runs them."""

import subprocess
import tempfile
import unittest
from collections.abc import Collection
from pathlib import Path

from lib.suites import ktap
from lib.suites.programs import TRIES, each
from lib.suites.tries import Tries

OUTPUT = '''\
mount: early words
== hid_bpf
TAP version 13
1..4
#  RUN           hid.create ...
ok 1 hid.create
not ok 2 hid.raw
ok 3 - hid.skips # SKIP not compatible
ok 4 hid.raw # time=12ms

== status 1

== diag.sh
ok 1 create_dsq # \x20
ok 2 kick # SKIP\x20
    ok 1 - nested:  two   spaces
okay 3 not a result
== status 0
'''


def verdicts(output: str) -> dict[str, str]:
    """What the results say, however many tries it took."""
    return {test: tries.text for test, tries in ktap.verdicts(output).items()}


class Verdicts(unittest.TestCase):
    def test_each_result_and_each_end(self) -> None:
        self.assertEqual(verdicts(OUTPUT), {
            'hid_bpf': 'status 1', 'hid_bpf/hid.create': 'OK', 'hid_bpf/hid.raw': 'FAIL',
            'hid_bpf/hid.skips': 'SKIP', 'hid_bpf/hid.raw (2)': 'OK',
            'diag.sh': 'OK', 'diag.sh/create_dsq': 'OK', 'diag.sh/kick': 'SKIP',
            'diag.sh/nested: two spaces': 'OK'})

    def test_what_passed_once_has_passed(self) -> None:
        once = '== a\nok 1 x\nnot ok 2 y\nnot ok 3 z\n== status 1\n'
        again = '== a\nnot ok 1 x\nok 2 y\nnot ok 3 z\n== status 1\n'
        self.assertEqual(verdicts(once + again),
                         {'a': 'status 1', 'a/x': 'OK', 'a/y': 'OK', 'a/z': 'FAIL'})

    def test_tries_are_counted(self) -> None:
        once = '== a\nok 1 x\nnot ok 2 y\n== status 1\n== b\nok 1 x\n== status 0\n'
        again = '== a\nnot ok 1 x\nok 2 y\nok 3 z\n== status 0\n'
        self.assertEqual(ktap.verdicts(once + again), {
            'a': Tries('OK', 2, 1), 'a/x': Tries('OK', 2, 1), 'a/y': Tries('OK', 2, 1),
            'a/z': Tries('OK', 1, 0), 'b': Tries('OK', 1, 0), 'b/x': Tries('OK', 1, 0)})

    def test_ends(self) -> None:
        for status, verdict in ((0, 'OK'), (4, 'SKIP'), (124, 'timed out'), (2, 'status 2')):
            self.assertEqual(verdicts(f'== a\n== status {status}\n'), {'a': verdict})
        self.assertEqual(verdicts('== a\nok 1 x\n'), {'a': 'did not finish', 'a/x': 'OK'})
        self.assertEqual(verdicts('Killed\n'), {})


class Each(unittest.TestCase):
    def run_programs(self, only: Collection[str] = (), **programs: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in programs.items():
                path = Path(folder, name)
                path.write_text(f'#!/bin/sh\n{text}\n', encoding='utf-8')
                path.chmod(0o755)
            return subprocess.run(['bash', '-c', each(programs, only, 10)], cwd=folder, text=True,
                                  stdout=subprocess.PIPE, check=True).stdout

    def test_an_end_is_said_even_after_a_line_without_one(self) -> None:
        output = self.run_programs(good='echo ok 1 x; printf rest', skips='exit 4')
        self.assertEqual(verdicts(output), {'good': 'OK', 'good/x': 'OK', 'skips': 'SKIP'})
        self.assertEqual(output.count('== good\n'), 1)
        self.assertEqual(output.count('== skips\n'), 1)

    def test_only_some(self) -> None:
        self.assertEqual(verdicts(self.run_programs(['b'], a='exit 1', b='exit 0')), {'b': 'OK'})

    def test_a_failure_is_tried_again(self) -> None:
        output = self.run_programs(bad='echo not ok 1 x; exit 3',
                                   late='[ -e seen ] && exec echo ok 1 y; >seen; exit 1')
        self.assertEqual(verdicts(output), {'bad': 'status 3', 'bad/x': 'FAIL',
                                            'late': 'OK', 'late/y': 'OK'})
        self.assertEqual(output.count('== bad\n'), TRIES)
        self.assertEqual(output.count('== late\n'), 2)


if __name__ == '__main__':
    unittest.main()
