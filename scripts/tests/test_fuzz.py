# SPDX-License-Identifier: GPL-2.0-only
"""The fuzzer's comparer, its list of deliberate differences, and its shrinker."""

import io
import re
import tempfile
import unittest
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

import fuzz
from lib.cargo import PROGRAMS
from lib.errors import Failure
from lib.fuzz import sequences
from lib.fuzz.differences import compare
from lib.fuzz.guest import Died, Guest
from lib.fuzz.history import TABLES
from lib.fuzz.sequences import Done, Steps, Trace, read
from lib.fuzz.shrink import shrink

CREATE: sequences.Step = {'create': {'link': 0, 'map': {'table': 0}, 'flags': 0}}
UPDATE: sequences.Step = {
    'update': {'link': {'link': 0}, 'map': {'table': 1}, 'flags': 0, 'old': 'zero'}}
CONNECT: sequences.Step = {'connect': {'socket': 1, 'to': 0}}
AVAILABLE: sequences.Step = {'read': {'sysctl': 'available'}}
ALLOWED: sequences.Step = {'read': {'sysctl': 'allowed'}}
OK = Done('ok')


def choose(ordinary: bool, name: str = 'fz_a') -> sequences.Step:
    return {'set_cc': {'socket': 0, 'name': name, 'ordinary': ordinary}}


def judged(steps: Steps, before: list[Done], c: Done, rust: Done) -> list[str]:
    """The names of the differences, where all but the last step do the same."""
    found = compare(steps, Trace('same', [*before, c]), Trace('same', [*before, rust]))
    return [one.difference.name if one.difference else 'odd' for one in found]


class CompareTest(unittest.TestCase):
    def test_same(self) -> None:
        self.assertEqual(judged([CREATE], [], OK, OK), [])

    def test_every_kind_of_descriptor_is_understood(self) -> None:
        kinds = ({'link': 0}, {'table': 0}, {'socket': 0}, 'other_link', 'o_path', 'zero')
        steps: Steps = [{name: {'fd': fd, 'path': 0}} for fd in kinds for name in ('pin', 'close')]
        steps += [{'create': {'link': 0, 'map': fd, 'flags': 0}} for fd in kinds]
        steps += [{'update': {'link': fd, 'map': {'table': 1}, 'flags': 0, 'old': 'zero'}}
                  for fd in kinds]
        done = [OK] * len(steps)
        self.assertEqual(judged([*steps, CREATE], done, OK, OK), [])

    def test_a_difference_is_odd(self) -> None:
        self.assertEqual(judged([CREATE], [], OK, Done('EINVAL')), ['odd'])

    def test_another_beginning_is_odd(self) -> None:
        self.assertEqual(compare([], Trace('a'), Trace('b'))[0].difference, None)

    def test_a_missing_step_is_odd(self) -> None:
        found = compare([CREATE], Trace('same', [OK]), Trace('same'))
        self.assertEqual([one.index for one in found], [0])

    def test_position_needs_an_update_and_the_same_names(self) -> None:
        steps, before = [CREATE, UPDATE, AVAILABLE], [OK, OK]
        c, rust = Done('ok reno fz_b fz_a'), Done('ok reno fz_a fz_b')
        self.assertEqual(judged(steps, before, c, rust), ['position'])
        self.assertEqual(judged([CREATE, AVAILABLE], [OK], c, rust), ['odd'])
        self.assertEqual(judged(steps, before, c, Done('ok reno fz_a')), ['odd'])
        self.assertEqual(judged(steps, before, c, Done('ok fz_b reno fz_a')), ['odd'])

    def test_permission_is_kept_in_rust_alone(self) -> None:
        steps, before = [CREATE, UPDATE, choose(True)], [OK, OK]
        self.assertEqual(judged(steps, before, Done('EPERM'), OK), ['permission'])
        self.assertEqual(judged(steps, before, OK, Done('EPERM')), ['odd'])
        self.assertEqual(judged([CREATE, UPDATE, choose(False)], before, Done('EPERM'), OK),
                         ['odd'])
        self.assertEqual(judged([CREATE, UPDATE, choose(True, 'fz_b')], before, Done('EPERM'), OK),
                         ['odd'])
        lists = [CREATE, UPDATE, ALLOWED]
        c, rust = Done('ok reno'), Done('ok reno fz_a')
        self.assertEqual(judged(lists, before, c, rust), ['permission'])
        self.assertEqual(judged(lists, before, rust, c), ['odd'])

    def test_a_connection_is_on_a_table_that_follows(self) -> None:
        old, new, other = (Done('ok', started) for started in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
        steps, before = [CREATE, UPDATE, CONNECT], [OK, OK]
        self.assertEqual(judged(steps, before, old, new), ['newer'])
        self.assertEqual(judged(steps, before, new, old), ['odd'])
        self.assertEqual(judged(steps, before, old, other), ['odd'])
        self.assertEqual(judged([CREATE, CONNECT], [OK], old, new), ['odd'])

    def test_an_update_counts_if_it_succeeded(self) -> None:
        steps = [CREATE, UPDATE, CONNECT]
        self.assertEqual(judged(steps, [OK, Done('EPERM')], Done('ok', (1, 0, 0)),
                                Done('ok', (0, 1, 0))), ['odd'])

    def test_links_by_id_and_path_are_known(self) -> None:
        update: sequences.Step = {'update': {**UPDATE['update'], 'link': {'link': 1}}}
        ways: list[Steps] = [[{'by_id': {'link': 1, 'of': 0}}],
                [{'pin': {'fd': {'link': 0}, 'path': 0}},
                 {'open_pin': {'link': 1, 'path': 0}}]]
        for again in ways:
            steps = [CREATE, *again, update, CONNECT]
            self.assertEqual(judged(steps, [OK] * (len(steps) - 1), Done('ok', (1, 0, 0)),
                                    Done('ok', (0, 1, 0))), ['newer'])


class ShrinkTest(unittest.TestCase):
    def test_to_what_matters(self) -> None:
        noise = [AVAILABLE, ALLOWED, choose(True)] * 4
        steps = [*noise, CREATE, *noise, {'update': {**UPDATE['update'], 'flags': 7}}, *noise]

        def judge(candidates: Sequence[Steps]) -> list[bool]:
            return [any('create' in step for step in candidate)
                    and any('update' in step for step in candidate) for candidate in candidates]
        self.assertEqual(shrink(steps, judge), [CREATE, UPDATE])

    def test_what_cannot_be_shrunk(self) -> None:
        self.assertEqual(shrink([CREATE], lambda candidates: [False] * len(candidates)), [CREATE])


class PlantedGuest(Guest):
    """Kernels that differ in the result of an update, and one that dies of a detach."""

    def run(self, impl: str, sequences: Sequence[Steps], source: Path) -> list[Trace]:
        for number, steps in enumerate(read(source)):
            if impl == 'c' and any('detach' in step for step in steps):
                raise Died(impl, number, 124)
            if impl == 'c' and any('unlink' in step for step in steps):
                raise Died(impl, None, 70)
        return [Trace('same', [Done(impl if 'update' in step else 'ok') for step in steps])
                for steps in sequences]


class FuzzTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.fuzz = fuzz.Fuzz(PlantedGuest(Path('none'), self.folder), (), self.folder)

    def run_batch(self, batch: list[Steps]) -> str:
        with redirect_stdout(io.StringIO()) as out, mock.patch('fuzz.note'):
            self.fuzz.run(batch, 40)
        return out.getvalue()

    def test_a_planted_difference_is_shrunk_and_replayed(self) -> None:
        out = self.run_batch([[CREATE], [CREATE, AVAILABLE, UPDATE, ALLOWED]])
        file = self.folder / 'found-41.txt'
        self.assertIn(f'make fuzz REPLAY={file}', out)
        steps = sequences.read_program(file)
        self.assertEqual(steps, [UPDATE])
        found, = self.fuzz.compare([steps])
        self.assertEqual([(one.c, one.rust) for one in found], [('c', 'rust')])
        self.assertEqual(len(self.fuzz.complaints), 1)

    def test_a_guest_that_dies_is_reported(self) -> None:
        out = self.run_batch([[CREATE], [{'detach': {'link': {'link': 0}}}]])
        self.assertIn('the c kernel failed or hung', out)
        self.assertEqual(len(self.fuzz.complaints), 1)

    def test_a_fault_after_the_last_sequence_is_reported(self) -> None:
        self.assertEqual(self.run_batch([[CREATE], [{'unlink': {'path': 0}}]]), '')
        self.assertEqual(len(self.fuzz.complaints), 1)
        self.assertIn('sequences from 40 on: the c kernel failed', self.fuzz.complaints[0])

    def test_no_difference_no_complaint(self) -> None:
        self.assertEqual(self.run_batch([[CREATE, AVAILABLE]]), '')
        self.assertEqual(self.fuzz.complaints, [])


class TablesTest(unittest.TestCase):
    def test_they_are_those_of_the_guest(self) -> None:
        world = (PROGRAMS.source / 'fuzz/src/world.rs').read_text(encoding='utf-8')
        text = re.search(r'pub const TABLES: .*?=\s*\[(.*?)\];', world, re.S)
        self.assertIsNotNone(text)
        self.assertEqual(TABLES, tuple((int(number), name) for number, name in re.findall(
            r'\((\d+), "(\w*)"\)', text[1] if text else '')))


class FilesTest(unittest.TestCase):
    def test_a_guest_that_ended_early(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / 'traces'
            file.write_text('{"begun":0}\n{"sequence": 0, "begin": "x", "steps": [{"result": "ok"}'
                            ']}\n{"begun":1}\n{"seq', encoding='utf-8')
            self.assertEqual(sequences.read_traces(file), ([Trace('x', [OK])], 1))
            self.assertEqual(sequences.reached(file), 1)

    def test_progress_is_at_the_end_of_a_long_file(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name, 'traces')
            file.write_text('', encoding='utf-8')
            self.assertEqual(sequences.reached(file), 0)
            file.write_text(''.join(f'{{"begun":{number}}}\n{"x" * 3000}\n'
                                    for number in range(90)), encoding='utf-8')
            self.assertEqual(sequences.reached(file), 89)

    def test_no_program(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / 'program'
            file.write_text('# why\nnonsense\n', encoding='utf-8')
            self.assertRaises(Failure, sequences.read_program, file)
