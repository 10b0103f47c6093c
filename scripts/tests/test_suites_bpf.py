# SPDX-License-Identifier: GPL-2.0-only
"""How test_progs is run, and what is made of two runs of it."""

import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib.suites import bpf
from lib.suites.tries import Tries

TEST_PROGS = '''#!/bin/sh
case "$*" in
*"-a b,c") echo "#1 b:OK"; echo "#2/1 c/x:OK"; echo "#2/2 c/y:FAIL"; echo "#2 c:FAIL" ;;
*"-a c") echo "#2/1 c/x:OK"; echo "#2/2 c/y:FAIL"; echo "#2 c:FAIL" ;;
*) echo "#1 a:OK"; echo "#2 b:FAIL"; echo "#3/1 c/x:FAIL"; echo "#3/2 c/y:OK"; echo "#3 c:FAIL"
   echo "#4/1 d/x:SKIP"; echo "#4 d:OK (SKIP: 1/1)" ;;
esac
exit 1
'''


class Runs(unittest.TestCase):
    def run_tests(self, *only: str) -> dict[str, Tries]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            modules = folder / 'selftests/rust/out'
            modules.mkdir(parents=True)
            (modules / 'bpf_testmod.ko').touch()
            (folder / 'test_progs').write_text(TEST_PROGS, encoding='utf-8')
            (folder / 'test_progs').chmod(0o755)
            with mock.patch.object(bpf, 'cache', return_value=folder):
                script = bpf.script(mock.Mock(impl='rust'), only)
            script = script.replace('/run/', f'{name}/')
            output = subprocess.run(['bash', '-c', script], cwd=folder, text=True, check=False,
                                    stdout=subprocess.PIPE).stdout
        return bpf.verdicts(output)

    def test_what_fails_is_run_again(self) -> None:
        self.assertEqual(self.run_tests(), {
            'a': Tries('OK'), 'b': Tries('OK', 2, 1), 'c/x': Tries('OK', 2, 1),
            'c/y': Tries('OK', 2, 1), 'd/x': Tries('SKIP', 1, 1)})

    def test_only_some(self) -> None:
        self.assertEqual(self.run_tests('b', 'c'), {
            'b': Tries('OK'), 'c/x': Tries('OK', 2, 0), 'c/y': Tries('FAIL', 2, 2)})

    def test_a_failure_that_stays(self) -> None:
        output = f'#1 a:FAIL\n#2 b:FAIL\n{bpf.AGAIN}\n#1 a:FAIL\n#2/1 b/x:OK\n#2 b:OK\n'
        self.assertEqual(bpf.verdicts(output), {'a': Tries('FAIL', 2, 2), 'b/x': Tries('OK', 2, 1)})

    def test_a_failure_outside_of_the_subtests(self) -> None:
        output = (f'#1/1 a/x:OK\n#1/2 a/y:FAIL\n#1 a:FAIL\n#2 b:OK\n{bpf.AGAIN}\n'
                  '#1/1 a/x:OK\n#1/3 a/z:OK\n#1 a:OK\n')
        self.assertEqual(bpf.verdicts(output), {
            'a/x': Tries('OK', 2, 0), 'b': Tries('OK'), 'a/z': Tries('OK', 2, 1)})


if __name__ == '__main__':
    unittest.main()
