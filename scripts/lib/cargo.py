# SPDX-License-Identifier: GPL-2.0-only
"""Cargo workspaces: how they are built, checked and tested, beside a kernel if need be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lib import results, toolchain
from lib.kernel import Kernel
from lib.paths import LOG, TOP, cache
from lib.process import beside, run_logged, step
from lib.results import Case, Result, Verdict

BUILD = ('build', '--release', '--locked')
VERDICTS: dict[str, Verdict] = {'ok': 'passed', 'FAILED': 'failed', 'ignored': 'skipped'}


def cargo(*argv: str) -> list[str]:
    return ['/usr/bin/cargo', *argv]


def cases(output: str) -> list[Case]:
    """The tests that cargo test ran, or ignored."""
    return [Case(name, VERDICTS[word], reason) for name, word, reason in re.findall(
        r'^test (.+) \.\.\. (ok|FAILED|ignored)(?:, (.+))?$', output, re.M)]


@dataclass(frozen=True)
class Workspace:
    """A workspace in the folder source; what it is built to is in the cache."""
    name: str
    source: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Path:
        return cache() / self.name

    @property
    def env(self) -> dict[str, str]:
        return toolchain.environment() | {'CARGO_TARGET_DIR': str(self.target),
                                          'CARGO_TERM_COLOR': 'never', **self.variables}

    def log(self, what: str) -> Path:
        return LOG / f'{self.name}-{what}.log'

    def build(self) -> None:
        step(f'building {self.name}', cargo(*BUILD), self.log('build'), self.env, self.source,
             counts=lambda line: line.lstrip().startswith('Compiling '))

    def build_with_kernel(self, impl: str, last: bool) -> None:
        """Builds the workspace and a kernel at once: each leaves processors idle in parts."""
        if last:
            self.build()
            return
        with beside(f'building {self.name}', cargo(*BUILD), self.log('build'), self.env,
                    self.source):
            Kernel(impl).ensure()

    def complaints(self) -> list[str]:
        """Runs rustfmt and clippy; returns the logs of those that complain."""
        found = []
        for name, argv in (('fmt', ['--all', '--check']),
                           ('clippy', ['--release', '--locked', '--all-targets', '--',
                                       '-D', 'warnings'])):
            log = self.log(name)
            if run_logged(f'cargo {name} on {self.name}', cargo(name, *argv), log, self.env,
                          self.source):
                found.append(f'cargo {name} complains: see {log}')
        return found

    def test(self, package: str = '') -> Result:
        """Runs the tests that need no kernel, of one package or of all."""
        log = self.log('test')
        name = package or self.name
        chosen = ['--package', package] if package else []
        status = run_logged(f'testing {name}', cargo(
            'test', '--release', '--locked', *chosen, '--', '--show-output'), log, self.env,
                            self.source)
        result = Result(name, cases(log.read_text(encoding='utf-8')))
        if (status and not result.failed) or not result.passed:
            result.cases.append(Case('cargo test', 'failed',
                                     f'ended with status {status}: see {log}'))
        result.show()
        results.write(result)
        return result


# The programs that test the kernel, and the model of the registry.
PROGRAMS = Workspace('struct_ops', TOP / 'tools/testing/struct_ops')
