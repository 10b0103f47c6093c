# SPDX-License-Identifier: GPL-2.0-only
"""What a part of the tests found, kept as the JUnit file build/results/NAME.xml."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import junitparser

from lib.paths import RESULTS

Verdict = Literal['passed', 'failed', 'skipped']
AGAIN = 'boots-again'
KERNEL = 'kernel-'
LONGEST = 200    # characters of a message that is read back
NOT_IN_XML = re.compile('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]')


@dataclass(frozen=True)
class Case:
    """One test and its verdict; the message says why it is not 'passed'."""
    name: str
    verdict: Verdict = 'passed'
    message: str = ''

    @classmethod
    def judged(cls, name: str, complaints: Sequence[str]) -> 'Case':
        """A test that passes unless something is complained of."""
        return cls(name, 'failed' if complaints else 'passed', '\n'.join(complaints))

    def __str__(self) -> str:
        return f'{self.name}: {self.message}' if self.message else self.name


@dataclass
class Result:
    """The cases of one part of the tests, and the keys of the kernels that it was run on."""
    name: str
    cases: list[Case] = field(default_factory=list)
    kernels: dict[str, str] = field(default_factory=dict)

    def of(self, verdict: Verdict) -> list[Case]:
        return [case for case in self.cases if case.verdict == verdict]

    @property
    def passed(self) -> list[Case]:
        return self.of('passed')

    @property
    def failed(self) -> list[Case]:
        return self.of('failed')

    @property
    def skipped(self) -> list[Case]:
        return self.of('skipped')

    def show(self) -> None:
        """Prints what did not pass, and the counts."""
        for case in self.failed:
            print(f'  FAILED {case}')
        for case in self.skipped:
            print(f'  skipped {case}')
        for line in key_lines(self.kernels):
            print(f'  {line}')
        print(f'{self.name}: {self}, {len(self.skipped)} skipped')

    def __str__(self) -> str:
        return last_line([self])


def key_lines(kernels: Mapping[str, str]) -> list[str]:
    """A line for a report about each kernel: what its image was built from."""
    return [f'{KERNEL}{impl}: {key or "unknown"}' for impl, key in kernels.items()]


def path(name: str) -> Path:
    return RESULTS / f'{name}.xml'


def legal(text: str) -> str:
    """The text with what XML does not allow replaced."""
    return NOT_IN_XML.sub('?', text)


def write(result: Result) -> None:
    suite = junitparser.TestSuite(result.name)
    for impl, key in result.kernels.items():
        suite.add_property(f'{KERNEL}{impl}', key)
    for case in result.cases:
        element = junitparser.TestCase(legal(case.name), result.name)
        message = legal(case.message)
        if case.verdict == 'failed':
            element.result = [junitparser.Failure(message)]
        elif case.verdict == 'skipped':
            element.result = [junitparser.Skipped(message)]
        suite.add_testcase(element)
    document = junitparser.JUnitXml(result.name)
    document.add_testsuite(suite)
    RESULTS.mkdir(parents=True, exist_ok=True)
    document.write(str(path(result.name)), pretty=True)


def read(name: str) -> Result | None:
    """A part's result, or None where it left none that can be read."""
    try:
        document = junitparser.JUnitXml.fromfile(str(path(name)))
    except (OSError, SyntaxError, junitparser.JUnitXmlError):
        return None
    # The root of a file with a single suite may be that suite.
    suites = [document] if isinstance(document, junitparser.TestSuite) else document
    kernels = {element.name.removeprefix(KERNEL): element.value
               for suite in suites for element in suite.properties()
               if element.name.startswith(KERNEL)}
    return Result(name, [judge(case) for suite in suites for case in suite], kernels)


def judge(element: junitparser.TestCase) -> Case:
    """A case of a JUnit file, whoever wrote it."""
    for verdict in element.result:
        message = textwrap.shorten(verdict.message or '', LONGEST, placeholder=' ...')
        return Case(element.name, 'skipped' if isinstance(verdict, junitparser.Skipped)
                    else 'failed', message)
    return Case(element.name)


def boots_again() -> list[str]:
    """The logs of the boots that did not count, of all the parts so far."""
    file = RESULTS / AGAIN
    return file.read_text(encoding='utf-8').splitlines() if file.exists() else []


def forget_boots_again() -> None:
    (RESULTS / AGAIN).unlink(missing_ok=True)


def count_boot_again(log: Path) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    with open(RESULTS / AGAIN, 'a', encoding='utf-8') as file:
        print(log, file=file)


def last_line(results: Iterable[Result]) -> str:
    results = list(results)
    return (f'{sum(len(result.passed) for result in results)} passed, '
            f'{sum(len(result.failed) for result in results)} failed')
