# SPDX-License-Identifier: GPL-2.0-only
"""Definitions move with what belongs to them, and only when it is clear what to move."""

import unittest

from lib.move import MoveError, move

SOURCE = '''\
// SPDX-License-Identifier: GPL-2.0-only
#include <linux/list.h>

#define LONG(x) do { \\
\tuse(x); \\
} while (0)

static DEFINE_SPINLOCK(list_lock);
static LIST_HEAD(list);

static int find(const char *name);

/* A comment; with "quotes", a blank line

 * and a brace {
 */
struct item {
\tint first;

\tint second;
};

static const struct item table[] __read_mostly = {
\t{ 1, 2 },
};
extern struct item *shared;

/* Finds it. */
static int find(const char *name)
{
\tstruct item item = { 1 };

#ifdef CONFIG_A
\tif (name) {
#else
\tif (!name) {
#endif
\t\treturn '}';
\t}
\treturn call("}", name);
}
EXPORT_SYMBOL_GPL(find);
late_initcall(find);

int
old_style(int a,
\t  int b)
{
\treturn find("}");
}

#ifdef CONFIG_B
int guarded(void)
{
\treturn 1;
}
#endif

enum { ONE, TWO };

static struct item *last_one;
'''


class MoveTest(unittest.TestCase):
    def move(self, *names: str, target: str = '') -> tuple[str, str]:
        return move(SOURCE, target, names, 'a.c')

    def moved(self, *names: str) -> str:
        """What moves; and what stays is the rest, in its order."""
        rest, target = self.move(*names)
        self.assertEqual(sorted(filter(None, (rest + target).split('\n'))),
                         sorted(filter(None, SOURCE.split('\n'))))
        lines = iter(SOURCE.split('\n'))
        self.assertTrue(all(line in lines for line in rest.split('\n')[:-1]))
        for text in (rest, target):
            self.assertNotIn('\n\n\n', text)
            self.assertEqual(text[-1], '\n')
            self.assertNotEqual(text[-2], '\n')
        return target

    def test_a_function_with_all_that_belongs_to_it(self) -> None:
        target = self.moved('find')
        self.assertTrue(target.startswith('/* Finds it. */\nstatic int find('))
        self.assertTrue(target.endswith('}\nEXPORT_SYMBOL_GPL(find);\nlate_initcall(find);\n'))

    def test_a_type_with_its_comment(self) -> None:
        target = self.moved('item')
        self.assertTrue(target.startswith('/* A comment;'))
        self.assertTrue(target.endswith('\tint second;\n};\n'))

    def test_each_kind_of_definition(self) -> None:
        for name, text in {'list': 'static LIST_HEAD(list);\n',
                           'table': 'static const struct item table[] __read_mostly = {\n'
                                    '\t{ 1, 2 },\n};\n',
                           'last_one': 'static struct item *last_one;\n'}.items():
            self.assertEqual(self.moved(name), text)
        self.assertTrue(self.moved('LONG').endswith('\\\n} while (0)\n'))
        self.assertTrue(self.moved('old_style').startswith('int\nold_style('))

    def test_lines_that_stand_together_stay_together(self) -> None:
        self.assertEqual(self.moved('list_lock', 'list'),
                         'static DEFINE_SPINLOCK(list_lock);\nstatic LIST_HEAD(list);\n')
        self.assertEqual(self.moved('list', 'list_lock'),
                         'static LIST_HEAD(list);\n\nstatic DEFINE_SPINLOCK(list_lock);\n')

    def test_one_blank_line_is_left(self) -> None:
        rest, _ = self.move('list_lock', 'list')
        self.assertIn('} while (0)\n\nstatic int find(const char *name);\n', rest)

    def test_to_the_end_of_a_file(self) -> None:
        self.assertEqual(self.move('list', target='int a;\n')[1],
                         'int a;\n\nstatic LIST_HEAD(list);\n')

    def test_what_is_not_defined(self) -> None:
        for name in ('first', 'call', 'shared', 'name', 'item_', 'ONE'):
            with self.assertRaisesRegex(MoveError, f'a.c does not define {name}'):
                self.move(name)

    def test_what_is_not_clear(self) -> None:
        with self.assertRaisesRegex(MoveError, 'more than once .from lines 1, 3'):
            move('int a;\n\nint a;\n', '', ['a'], 'a.c')
        with self.assertRaisesRegex(MoveError, '#if'):
            self.move('guarded')
        with self.assertRaisesRegex(MoveError, 'twice'):
            self.move('list', 'list')


if __name__ == '__main__':
    unittest.main()
