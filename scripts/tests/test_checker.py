# SPDX-License-Identifier: GPL-2.0-only
"""Each patch is built on those before it, once, and judged by its kind."""

import tempfile
import unittest
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

from lib.checker import Checker
from lib.content import Content
from lib.lint.ours import Ours
from lib.patch_build import Built
from lib.patches import Patch
from lib.results import Case
from lib.source import Source


def patch(number: int, old: str, new: str, notes: str = '', name: str = 'net/ipv4/a.c') -> Patch:
    diff = (f'diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n'
            f'-{old}\n+{new}\n')
    return Patch(Path(f'some/000{number}-a.patch'), f'Subject: a\n\n---\n{notes}\n{diff}')


PATCHES = [patch(1, 'one', 'two', 'Kind: c\n'), patch(2, 'two', 'three'),
           patch(3, 'one', 'two', name='Documentation/a.rst')]


class Files:
    def original(self, name: str) -> Content | None:
        return Content(b'one\n') if name in ('net/ipv4/a.c', 'Documentation/a.rst') else None


class CheckerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)
        self.top = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.ran: list[tuple[str, str]] = []
        self.comes_to = Built()
        test = self

        class Fake:
            def __init__(self, name: str, src: Path, *_: object) -> None:
                self.name, self.src, self.state = name, src, ''

            def run(self, title: str, state: str) -> Built:
                test.ran.append((self.name,
                                 (self.src / 'net/ipv4/a.c').read_text(encoding='utf-8').strip()))
                self.state = state
                return Built() if title.startswith('to compare') else test.comes_to

        for name, value in {'cache': lambda: self.top, 'Build': Fake,
                            'source.find': lambda: Source(self.top, 'linux'),
                            'toolchain.versions': str,
                            'Tree.copy_source': lambda *_: None}.items():
            self.stack.enter_context(mock.patch(f'lib.checker.{name}', value))

    def check(self, patches: list[Patch] = PATCHES) -> list[Case]:
        self.ran.clear()
        linux = self.top / 'check/linux'
        for name in ('net/ipv4/a.c', 'Documentation/a.rst'):
            if not (linux / name).exists():
                Content(b'one\n').put(linux / name)
        return Checker(patches, {}, Files(), 1).patches('some')

    def named(self, cases: list[Case], *verdicts: str) -> list[str]:
        return [case.name for case in cases if case.verdict in verdicts]

    def test_in_order(self) -> None:
        cases = self.check()
        self.assertEqual(self.ran, [('on', 'one'), ('on', 'two'), ('off', 'one'), ('off', 'two'),
                                    ('on', 'three'), ('off', 'three')])
        self.assertEqual(self.named(cases, 'passed'), [
            'some/0001: on', 'some/0001: off', 'some/0001: warnings',
            'some/0002: on', 'some/0002: off', 'some/0002: code', 'some/0002: warnings'])
        self.assertEqual(self.named(cases, 'skipped'), ['some/0003: builds'])

    def test_it_goes_on_where_it_was(self) -> None:
        first = self.check()
        self.assertEqual(self.check(), first)
        self.assertEqual(self.ran, [])
        self.check([PATCHES[0], patch(2, 'two', 'four')])
        self.assertEqual(self.ran, [('on', 'two'), ('on', 'four'), ('off', 'two'), ('off', 'four')])

    def test_code_may_change_in_a_patch_of_c(self) -> None:
        self.comes_to = Built(changed=['net/ipv4/a.o'])
        cases = self.check()
        self.assertEqual(self.named(cases, 'failed'), ['some/0002: code'])
        self.assertIn('net/ipv4/a.o', self.named_message(cases, 'some/0002: code'))

    def named_message(self, cases: list[Case], name: str) -> str:
        return next(case.message for case in cases if case.name == name)

    def test_what_fails(self) -> None:
        self.comes_to = Built(errors=['a.c:1: error'])
        self.assertEqual(self.named(self.check(PATCHES[:1]), 'failed'),
                         ['some/0001: on', 'some/0001: off'])
        self.comes_to = Built()
        self.assertEqual(self.named(self.check(PATCHES[:1]), 'failed'), [])

    def test_coccinelle_is_asked_about_the_code_of_the_series(self) -> None:
        asked = []

        def complaints(_: Path, ours: Ours, names: list[str], __: str) -> list[str]:
            asked.append(names)
            return ['found'] if ours.has('net/ipv4/a.c', 1) else []

        with mock.patch('lib.coccinelle.complaints', complaints):
            self.check()
            for patches, verdict in ((PATCHES, 'failed'), (PATCHES[2:], 'skipped')):
                checker = Checker(patches, {}, Files(), 1)
                cases = checker.coccinelle('some', len(patches))
                self.assertEqual([case.verdict for case in cases], [verdict])
        self.assertEqual(asked, [['net/ipv4/a.c']])

    def test_what_is_not_defined_and_what_is_said(self) -> None:
        self.comes_to = Built(undefined=['f'], complaints=['a.c: odd'])
        cases = self.check(PATCHES[:1])
        self.assertEqual(self.named_message(cases, 'some/0001: on'), 'f is not defined')
        self.assertEqual(self.named_message(cases, 'some/0001: warnings'), 'a.c: odd')


if __name__ == '__main__':
    unittest.main()
