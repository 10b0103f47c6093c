# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmark makes of its figures."""

import shlex
import unittest
from pathlib import Path

import bench as program
from lib import bench, bench_text, qemu
from lib.bench import Case, Figure, Target


def figure(name: str, value: float | None, better: str = 'less') -> Figure:
    return {'name': name, 'unit': 'µs', 'better': better, 'value': value}


def case(name: str, c: float, rust: float, ratio: float | None) -> Case:
    return Case(name, 'µs', c, rust, ratio, [c], [rust])


def good() -> list[Case]:
    """Cases that reach every target, and no more than that."""
    found: dict[str, Case] = {}
    for target in bench.TARGETS:
        entry = found.setdefault(target.case, case(target.case, 1, 1, None))
        if target.ratio:
            entry.ratio = target.ratio
        elif target.than:
            found[target.than] = case(target.than, 1, 10, None)
            entry.rust = 10 * target.most
        else:
            entry.rust = target.most
    return list(found.values())


class CompareTest(unittest.TestCase):
    def test_ratio_says_how_much_better_rust_is(self) -> None:
        self.assertEqual(bench.ratio('less', 8000, 2), 4000)
        self.assertEqual(bench.ratio('more', 100, 50), 0.5)

    def test_no_ratio_of_nothing(self) -> None:
        for c, rust in ((0, 1), (1, 0), (0, 0), (1, -1)):
            self.assertIsNone(bench.ratio('less', c, rust))

    def test_medians_of_the_runs(self) -> None:
        c = [[figure('x', value)] for value in (30, 10, 20)]
        rust = [[figure('x', value)] for value in (1, 90, 2)]
        self.assertEqual(bench.merge(c, rust),
                         [Case('x', 'µs', 20, 2, 10, [30, 10, 20], [1, 90, 2])])

    def test_order_of_the_first_run(self) -> None:
        runs = [[figure('b', 1), figure('a', 1)]]
        self.assertEqual([found.name for found in bench.merge(runs, runs)], ['b', 'a'])

    def test_a_figure_that_is_missing(self) -> None:
        for rust in ([[figure('y', 1)]], [[figure('x', None)]], [[figure('x', 1)], []]):
            with self.assertRaisesRegex(ValueError, 'x was measured in [01] of [12] runs'):
                bench.merge([[figure('x', 1)]], rust)


class TargetTest(unittest.TestCase):
    def reached(self, target: Target, *cases: Case) -> bool:
        return target.reached({case.name: case for case in cases})

    def test_ratio(self) -> None:
        target = Target('x', ratio=1000)
        self.assertTrue(self.reached(target, case('x', 1, 1, 1000)))
        self.assertFalse(self.reached(target, case('x', 1, 1, 999.9)))
        self.assertFalse(self.reached(target, case('x', 1, 1, None)))

    def test_most(self) -> None:
        target = Target('x', most=1560)
        self.assertTrue(self.reached(target, case('x', 1, 1560, None)))
        self.assertFalse(self.reached(target, case('x', 9, 1561, 9)))

    def test_growth_is_that_of_rust(self) -> None:
        target = Target('x, 9 names', most=1.5, than='x, 1 name')
        one = case('x, 1 name', 1, 100, None)
        self.assertTrue(self.reached(target, one, case('x, 9 names', 1000, 150, None)))
        self.assertFalse(self.reached(target, one, case('x, 9 names', 1, 151, None)))
        self.assertEqual(target.wanted, 'at most 1.50 × that with 1 name')
        self.assertEqual(target.measured({'x, 1 name': one,
                                          'x, 9 names': case('x, 9 names', 1, 200, None)}),
                         '2.00 ×')

    def test_no_growth_from_nothing(self) -> None:
        target = Target('x, 9 names', most=1.5, than='x, 1 name')
        many = case('x, 9 names', 1, 1, None)
        self.assertFalse(self.reached(target, many))
        self.assertFalse(self.reached(target, many, case('x, 1 name', 1, 0, None)))

    def test_names_of_struct_ops_bench(self) -> None:
        self.assertEqual(bench.scaled('update', 10_000, 'namespace'),
                         'instructions, update, 10,000 namespaces')
        self.assertEqual(bench.scaled('update', 1, 'name'), 'instructions, update, 1 name')

    def test_floor(self) -> None:
        floor = next(target for target in bench.TARGETS if target.case == bench.UPDATE)
        self.assertEqual(floor.most, 1560)

    def test_what_may_not_grow(self) -> None:
        most = {target.case: target.most for target in bench.TARGETS if target.than}
        self.assertEqual(set(most.values()), {1.3})
        for call in ('update', 'create', 'detach', 'close'):
            for ending in ('10,000 namespaces', '1,000 names'):
                self.assertIn(f'instructions, {call}, {ending}', most)

    def test_all_reached(self) -> None:
        self.assertEqual(bench.missed(good()), [])

    def test_each_can_be_missed(self) -> None:
        for target in bench.TARGETS:
            cases = good()
            entry = next(case for case in cases if case.name == target.case)
            if target.ratio:
                entry.ratio = target.ratio * 0.99
            else:
                entry.rust *= 1.01
            self.assertEqual(bench.missed(cases), [target])

    def test_what_was_not_measured_is_missed(self) -> None:
        self.assertEqual(bench.missed(good()[1:]), [bench.TARGETS[0]])


class ReportTest(unittest.TestCase):
    def test_a_miss_is_not_hidden(self) -> None:
        cases = good()
        cases[0].ratio = 12.345
        text = bench.report([('date', 'today')], cases, ['a note'])
        count = len(bench.TARGETS)
        self.assertIn(f'{count - 1} of {count} targets reached; missed: {cases[0].name}.', text)
        self.assertIn(f'| **no** | {cases[0].name} | at least 1,000 × | 12.3 × |', text)
        self.assertEqual(text.count('**no**'), 1)

    def test_ratio_comes_first(self) -> None:
        text = bench.report([('date', 'today')], [case('poll', 4, 2, 2)], ['a note'])
        self.assertIn('| 2.00 | poll | 4.00 | 2.00 | µs |', text)
        self.assertIn('- date: today', text)
        self.assertIn('- a note', text)
        self.assertIn('not measured', text)

    def test_growth_has_a_table(self) -> None:
        cases = [case('instructions, update, 1 name', 10, 20, 0.5),
                 case('instructions, update, 1,000 names', 30, 40, 0.75),
                 case('instructions, list, 1 name', 50, 60, 0.83),
                 case('instructions, update, 1 namespace', 70, 80, 0.88)]
        self.assertEqual(bench.growth(cases, 'name'),
                         ['| instructions by names | kernel | 1 | 1,000 |',
                          '| --- | --- | ---: | ---: |',
                          '| update | C | 10.0 | 30.0 |',
                          '|  | Rust | 20.0 | 40.0 |',
                          '| list | C | 50.0 |  |',
                          '|  | Rust | 60.0 |  |'])
        text = bench.report([('date', 'today')], cases, ['a note'])
        self.assertIn('| update | C | 70.0 |', text)
        self.assertNotIn('| 0.500 | instructions, update, 1 name |', text)

    def test_numbers(self) -> None:
        self.assertEqual([bench.number(value) for value in (1234.5, 12.345, 0.12345, 0, -3.14159)],
                         ['1,234', '12.3', '0.123', '0.0000', '-3.14'])


class TextTest(unittest.TestCase):
    LISTING = ('                 U memset\n'
               '0000000000000000 0000000000000010 T <kernel::bpf::map::Map>::get\n'
               '0000000000000010 0000000000000001 t kernel::net::tcp::cong::find\n'
               '0000000000000020 0000000000000100 T kernel::net::phy::probe\n'
               '0000000000000000 0000000000001000 D kernel::bpf::TABLE\n'
               '0000000000000030 0000000000000200 t kernel::bpf::struct_ops::fake::reg\n')

    def test_code_alone_is_counted(self) -> None:
        self.assertEqual(bench_text.code(self.LISTING), 0x111)

    def test_and_what_is_asked_for(self) -> None:
        self.assertEqual(bench_text.code(self.LISTING, bench_text.OURS), 0x11)


class GuestTest(unittest.TestCase):
    def test_the_command_is_one_for_a_shell(self) -> None:
        words = shlex.split(program.shell_command('time', Path('/a b/c.json'), '--seconds', '4'))
        self.assertEqual(words, [str(program.BINARY), 'time', '--seconds', '4', '>/a b/c.json'])

    def test_instructions_are_counted_whatever_the_machine_can_do(self) -> None:
        argv = qemu.argv(Path('image'), Path('initramfs'), kernel_args=(), memory='1G', cpus=1,
                         log=Path('log'), accel=program.ICOUNT)
        self.assertEqual(argv[argv.index('-icount') + 1], 'shift=0,sleep=off')
        self.assertEqual([argv[place + 1] for place, word in enumerate(argv) if word == '-accel'],
                         ['tcg,thread=single'])


if __name__ == '__main__':
    unittest.main()
