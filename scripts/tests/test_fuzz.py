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
from lib.fuzz.registry import TABLES
from lib.fuzz.sequences import Done, Steps, Trace, read
from lib.fuzz.shrink import shrink

BEGIN = 'cubic, reno cubic, reno cubic'
CREATE: sequences.Step = {'create': {'link': 0, 'map': {'table': 0}, 'flags': 0}}
LISTEN: sequences.Step = {'listen': {'socket': 0}}
CONNECT: sequences.Step = {'connect': {'socket': 1, 'to': 0}}
CLOSE: sequences.Step = {'close': {'fd': {'link': 0}}}
AVAILABLE: sequences.Step = {'read': {'sysctl': 'available'}}
ALLOWED: sequences.Step = {'read': {'sysctl': 'allowed'}}
OK = Done('ok')
CHOSEN = Done('ok', (0, 0, 0))


def update(table: int, link: int = 0) -> sequences.Step:
    return {'update': {'link': {'link': link}, 'map': {'table': table}, 'flags': 0, 'old': 'zero'}}


UPDATE = update(1)


def choose(ordinary: bool = False, name: str = 'fz_a', socket: int = 1) -> sequences.Step:
    return {'set_cc': {'socket': socket, 'name': name, 'ordinary': ordinary}}


def allow(names: str) -> sequences.Step:
    return {'write_sysctl': {'sysctl': 'allowed', 'value': names}}


def judged(steps: Steps, before: list[Done], c: Done, rust: Done) -> list[str]:
    """The names of the differences, where all but the last step do the same."""
    found = compare(steps, Trace(BEGIN, [*before, c]), Trace(BEGIN, [*before, rust]))
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
        found = compare([CREATE], Trace(BEGIN, [OK]), Trace(BEGIN))
        self.assertEqual([one.index for one in found], [0])

    def test_what_both_do_wrong_is_odd(self) -> None:
        wrong = Done('ok reno cubic')
        self.assertEqual(judged([CREATE, AVAILABLE], [OK], wrong, wrong), ['odd'])


class ListsTest(unittest.TestCase):
    def test_an_update_moves_the_name_in_c(self) -> None:
        second: sequences.Step = {'create': {'link': 1, 'map': {'table': 3}, 'flags': 0}}
        steps, before = [CREATE, second, UPDATE, AVAILABLE], [OK, OK, OK]
        first, last = Done('ok reno cubic fz_a fz_b'), Done('ok reno cubic fz_b fz_a')
        self.assertEqual(judged(steps, before, last, first), ['position'])
        self.assertEqual(judged(steps, before, first, last), ['odd'])
        # Not without an update, nor once the name was registered anew.
        self.assertEqual(judged([CREATE, second, AVAILABLE], [OK, OK], last, first), ['odd'])
        again = [CREATE, second, UPDATE, CLOSE, CREATE, AVAILABLE]
        self.assertEqual(judged(again, [OK] * 5, last, first), ['odd'])

    def test_permission_is_kept_in_rust_alone(self) -> None:
        denied, steps = Done('EPERM', (0, 0, 0)), [CREATE, allow('fz_a'), UPDATE, choose(True)]
        self.assertEqual(judged(steps, [OK] * 3, denied, CHOSEN), ['permission'])
        self.assertEqual(judged(steps, [OK] * 3, CHOSEN, denied), ['odd'])
        lists = [*steps[:-1], ALLOWED]
        self.assertEqual(judged(lists, [OK] * 3, Done('ok'), Done('ok fz_a')), ['permission'])
        self.assertEqual(judged(lists, [OK] * 3, Done('ok fz_a'), Done('ok')), ['odd'])

    def test_permission_that_was_not_given_is_odd(self) -> None:
        denied = Done('EPERM', (0, 0, 0))
        self.assertEqual(judged([CREATE, UPDATE, choose(True)], [OK] * 2, denied, CHOSEN), ['odd'])
        revoked = [CREATE, allow('fz_a'), UPDATE, allow('reno'), choose(True)]
        self.assertEqual(judged(revoked, [OK] * 4, denied, CHOSEN), ['odd'])

    def test_the_default_of_a_namespace_needs_permission(self) -> None:
        default: sequences.Step = {'write_sysctl': {'sysctl': 'default', 'value': 'fz_a'}}
        steps = [CREATE, allow('fz_a'), UPDATE, default]
        self.assertEqual(judged(steps, [OK] * 3, Done('EPERM'), OK), ['permission'])
        self.assertEqual(judged([CREATE, UPDATE, default], [OK] * 2, Done('EPERM'), OK), ['odd'])


class StartsTest(unittest.TestCase):
    """Socket 1 chooses fz_a, and connects after updates."""
    old, new, third, none = (Done('ok', started) for started in (
        (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)))

    def judged(self, between: Steps, c: Done, rust: Done) -> list[str]:
        before = [CREATE, LISTEN, choose(), *between]
        done = [OK, OK, CHOSEN, *[OK] * len(between)]
        return judged([*before, CONNECT], done, c, rust)

    def test_on_the_table_that_follows(self) -> None:
        self.assertEqual(self.judged([UPDATE], self.old, self.new), ['start'])
        self.assertEqual(self.judged([UPDATE], self.new, self.old), ['odd'])
        self.assertEqual(self.judged([UPDATE], self.old, self.third), ['odd'])
        self.assertEqual(self.judged([], self.old, self.new), ['odd'])

    def test_on_the_last_one_that_follows(self) -> None:
        self.assertEqual(self.judged([UPDATE, update(2)], self.old, self.third), ['start'])
        self.assertEqual(self.judged([UPDATE, update(2)], self.old, self.new), ['odd'])

    def test_on_the_default_if_none_follows(self) -> None:
        self.assertEqual(self.judged([UPDATE, CLOSE], self.old, self.none), ['start'])
        self.assertEqual(self.judged([UPDATE, CLOSE], self.old, self.new), ['odd'])
        self.assertEqual(self.judged([CLOSE], self.old, self.none), ['odd'])

    def test_a_pin_keeps_what_follows(self) -> None:
        pin: sequences.Step = {'pin': {'fd': {'link': 0}, 'path': 0}}
        detach: sequences.Step = {'detach': {'link': {'link': 0}}}
        self.assertEqual(self.judged([UPDATE, pin, CLOSE], self.old, self.new), ['start'])
        self.assertEqual(self.judged([UPDATE, pin, CLOSE], self.old, self.none), ['odd'])
        self.assertEqual(self.judged([UPDATE, pin, detach], self.old, self.none), ['start'])

    def test_a_malformed_call_may_detach(self) -> None:
        raw: sequences.Step = {'raw': {'command': 34, 'words': [{'fd': {'link': 0}}], 'size': 4}}
        self.assertEqual(self.judged([UPDATE, raw], self.old, self.none), ['start'])

    def test_what_is_linked_later_does_not_follow(self) -> None:
        again: sequences.Step = {'create': {'link': 0, 'map': {'table': 2}, 'flags': 0}}
        self.assertEqual(self.judged([UPDATE, CLOSE, again], self.old, self.none), ['start'])
        self.assertEqual(self.judged([UPDATE, CLOSE, again], self.old, self.third), ['odd'])
        self.assertEqual(self.judged([UPDATE, CLOSE, CREATE], self.old, self.old), [])

    def test_both_ends_and_the_names_that_they_have(self) -> None:
        steps = [CREATE, LISTEN, choose(socket=0), UPDATE, CLOSE, CONNECT,
                 {'accept': {'listener': 0, 'socket': 2}}, {'get_cc': {'socket': 2}}]
        same = [OK, OK, CHOSEN, OK, OK]
        name, other = Done('ok fz_a'), Done('ok cubic')
        c = [*same, self.old, Done('ok fz_a', (0, 0, 0)), name]
        rust = [*same, self.none, Done('ok cubic', (0, 0, 0)), other]
        found = compare(steps, Trace(BEGIN, c), Trace(BEGIN, rust))
        self.assertEqual([one.difference and one.difference.name for one in found], ['start'] * 3)
        wrong = compare(steps, Trace(BEGIN, c), Trace(BEGIN, [*rust[:-1], name]))
        self.assertEqual(wrong[-1].difference, None)

    def test_the_default_of_a_namespace_follows(self) -> None:
        default: sequences.Step = {'write_sysctl': {'sysctl': 'default', 'value': 'fz_a'}}
        steps = [CREATE, allow('fz_a'), default, UPDATE, LISTEN, CONNECT]
        both, moved = Done('ok', (2, 0, 0)), Done('ok', (0, 2, 0))
        self.assertEqual(judged(steps, [OK] * 5, both, moved), ['start'])
        self.assertEqual(judged(steps, [OK] * 5, both, Done('ok', (1, 1, 0))), ['odd'])

    def test_a_child_that_disconnects_can_listen_on_a_port_of_its_own(self) -> None:
        steps = [CREATE, LISTEN, CONNECT, {'accept': {'listener': 0, 'socket': 2}},
                 {'disconnect': {'socket': 2}}, choose(socket=2), {'listen': {'socket': 2}},
                 {'connect': {'socket': 3, 'to': 2}}]
        done = [OK, OK, self.none, Done('ok cubic', (0, 0, 0)), OK, CHOSEN, OK]
        self.assertEqual(judged(steps, done, self.old, self.old), [])
        self.assertEqual(judged(steps, done, self.none, self.none), ['odd'])

    def test_an_update_counts_if_it_succeeded(self) -> None:
        steps = [CREATE, LISTEN, choose(), UPDATE, CONNECT]
        done = [OK, OK, CHOSEN, Done('EPERM')]
        self.assertEqual(judged(steps, done, self.old, self.new), ['odd'])

    def test_links_by_id_and_path_are_known(self) -> None:
        ways: list[Steps] = [[{'by_id': {'link': 1, 'of': 0}}],
                             [{'pin': {'fd': {'link': 0}, 'path': 0}},
                              {'open_pin': {'link': 1, 'path': 0}}]]
        for again in ways:
            self.assertEqual(self.judged([*again, update(1, link=1)], self.old, self.new),
                             ['start'])

    def test_a_socket_that_is_connected_starts_once_more(self) -> None:
        steps = [CREATE, LISTEN, choose(), CONNECT, UPDATE, choose()]
        self.assertEqual(judged(steps, [OK, OK, CHOSEN, self.old, OK], self.new, self.new), [])
        # The listener's side is gone, and with it the connection.
        closed: sequences.Step = {'close': {'fd': {'socket': 0}}}
        self.assertEqual(judged([*steps[:-1], closed, choose()],
                                [OK, OK, CHOSEN, self.old, OK, OK], CHOSEN, CHOSEN), [])


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
                self.faults.append('the c kernel reported a fault')
        return [Trace(BEGIN, [Done(impl if 'update' in step else 'ok') for step in steps])
                for steps in sequences]


class FuzzTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.fuzz = fuzz.Fuzz(PlantedGuest(Path('none'), self.folder), (), self.folder,
                              {'c': 'key-of-c', 'rust': 'key-of-rust'})

    def run_batch(self, batch: list[Steps]) -> str:
        with redirect_stdout(io.StringIO()) as out, mock.patch('fuzz.note'):
            self.fuzz.run(batch, 40)
        return out.getvalue()

    def test_a_planted_difference_is_shrunk_and_replayed(self) -> None:
        out = self.run_batch([[CREATE], [CREATE, LISTEN, UPDATE, LISTEN]])
        file = self.folder / 'found-41.txt'
        self.assertIn(f'make fuzz REPLAY={file}', out)
        self.assertIn('# kernel-rust: key-of-rust\n', file.read_text(encoding='utf-8'))
        steps = sequences.read_program(file)
        self.assertEqual(steps, [UPDATE])
        found, = self.fuzz.compare([steps])
        self.assertEqual([(one.c, one.rust) for one in found], [('c', 'rust')])
        self.assertEqual(len(self.fuzz.complaints), 1)

    def test_a_guest_that_dies_is_reported(self) -> None:
        out = self.run_batch([[CREATE], [{'detach': {'link': {'link': 0}}}]])
        self.assertIn('the c kernel failed or hung', out)
        self.assertEqual(len(self.fuzz.complaints), 1)

    def test_a_fault_is_reported_and_the_sequences_are_compared(self) -> None:
        out = self.run_batch([[UPDATE], [{'unlink': {'path': 0}}]])
        self.assertIn('NOT DELIBERATE', out)
        self.assertEqual(len(self.fuzz.complaints), 2)
        self.assertIn('sequences from 40 on: the c kernel reported', self.fuzz.complaints[0])

    def test_no_difference_no_complaint(self) -> None:
        self.assertEqual(self.run_batch([[CREATE, LISTEN]]), '')
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
