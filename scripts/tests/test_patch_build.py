# SPDX-License-Identifier: GPL-2.0-only
"""What a build of one patch is compared with, and what of it is told."""

import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lib.content import Content
from lib.kernel import CHOICES
from lib.patch_build import Build, Built, folders
from lib.patches import Patch

LINKS = CHOICES[0]
KCONFIG = f'config {LINKS.removeprefix("CONFIG_")}\n\tbool\n'


class Fake(Build):
    """Copies each C file below the parts; one with the word error is none."""

    output = ''
    config = ''

    def make(self, title: str, log: str, *targets: str) -> tuple[bool, str]:    # noqa: ARG002
        if log == 'config':
            (self.obj / '.config').write_text(self.config, encoding='utf-8')
            return True, ''
        for path in sorted(path for part in self.parts for path in (self.src / part).glob('*.c')):
            text = path.read_text(encoding='utf-8')
            if 'error' in text:
                return False, text
            made = self.obj / path.relative_to(self.src).with_suffix('.o')
            if not made.exists() or made.read_text(encoding='utf-8') != text:
                Content(text.encode()).put(made)
        return True, self.output


def words(path: Path, kind: str) -> set[str]:
    return set(re.findall(rf'{kind} (\w+)', path.read_text(encoding='utf-8')))


class BuildTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.src = Path(folder.name)
        for name, value in {'digest': lambda path: path.read_text(encoding='utf-8'),
                            'symbols': lambda path: (words(path, 'defines'),
                                                     words(path, 'uses'))}.items():
            patcher = mock.patch(f'lib.object_code.{name}', value)
            patcher.start()
            self.addCleanup(patcher.stop)
        self.build = self.make('symbols-off')
        self.put('net/a.c', 'defines a')
        self.put('net/b.c', 'defines b uses a uses known')
        self.build.output = 'net/b.c:1:2: warning: known\n'
        # There is nothing to compare it with.
        self.assertEqual(self.build.run('base', 'base'), Built())

    def make(self, name: str) -> Fake:
        return Fake(name, self.src, ['net/'], 1)

    def put(self, name: str, text: str) -> None:
        Content(text.encode()).put(self.src / name)

    def test_nothing_changed(self) -> None:
        self.assertEqual(self.build.run('next', 'next'), Built())
        self.assertEqual(self.build.state, 'next')

    def test_it_is_remembered(self) -> None:
        again = self.make('symbols-off')
        self.assertEqual(again.state, 'base')
        self.assertEqual(again.run('next', 'next'), Built())

    def test_without_a_record_all_is_built_anew(self) -> None:
        self.build.record.unlink()
        (self.build.obj / 'net/old.o').write_text('', encoding='utf-8')
        self.make('symbols-off').run('next', 'next')
        self.assertEqual(sorted(path.name for path in (self.build.obj / 'net').iterdir()),
                         ['a.o', 'b.o'])

    def test_an_object_that_an_earlier_state_left_does_not_count(self) -> None:
        (self.build.obj / 'net/built-in.a').touch()
        with mock.patch('lib.object_code.tool', return_value='net/b.o\n'):
            built = self.build.run('next', 'next')
        self.assertEqual((built.changed, built.undefined), (['net/a.o'], ['a']))

    def test_code_that_changed(self) -> None:
        self.put('net/a.c', 'defines a: 2')
        self.put('net/c.c', 'defines c')
        self.assertEqual(self.build.run('next', 'next').changed, ['net/a.o', 'net/c.o'])

    def test_code_that_is_gone(self) -> None:
        (self.build.obj / 'net/a.o').unlink()
        (self.src / 'net/a.c').unlink()
        built = self.build.run('next', 'next')
        self.assertEqual((built.changed, built.undefined), (['net/a.o'], ['a']))

    def test_a_symbol_that_nobody_defines(self) -> None:
        self.put('net/a.c', 'defines a uses u uses v uses w uses x uses y uses z')
        self.put('net/core/u.c', 'int u(void);\n')
        self.put('lib/v.c', 'int v __read_mostly = 1;\nextern int w;\n')
        self.put('lib/x.c', 'static int z(void)\n{\n}\n\nint x(void)\n{\n}\n')
        self.put('kernel/y.S', 'SYM_FUNC_START(y)\nEXPORT_SYMBOL(y)\n')
        self.put('lib/z.c', 'int f(void)\n{\n\treturn z();\n}\n')
        self.assertEqual(self.build.run('next', 'next').undefined, ['u', 'w', 'z'])

    def test_what_is_said_anew(self) -> None:
        self.build.output = 'net/a.c:1:2: warning: odd\n'
        self.assertEqual(self.build.run('next', 'next').complaints, ['net/a.c: odd'])
        self.assertEqual(self.build.run('again', 'again').complaints, [])

    def test_a_build_that_fails(self) -> None:
        self.put('net/a.c', 'a.c:1:2: error: x')
        built = self.build.run('next', 'next')
        self.assertEqual(built.errors, ['a.c:1:2: error: x'])
        # Whoever goes on from here has to build again.
        self.assertEqual((self.build.state, self.make('symbols-off').state), ('', ''))

    def test_symbols_that_do_not_come_out_as_wanted(self) -> None:
        build = self.make('on')
        self.assertEqual(build.run('next', 'next').errors, [])      # it does not exist yet
        self.put('kernel/bpf/Kconfig', KCONFIG)
        self.assertEqual(build.run('next', 'next').errors, [f'{LINKS} is n, not y'])
        build.config = f'{LINKS}=y\n'
        self.assertEqual(build.run('next', 'next').errors, [])
        self.build.config = build.config
        self.assertEqual(self.build.run('next', 'next').errors, [f'{LINKS} is y, not n'])

    def test_what_is_configured(self) -> None:
        with mock.patch('lib.patch_build.CONFIGS', self.src):
            self.put('guest.config', f'CONFIG_A=y\n{LINKS}=y\n')
            self.build.configure()
        options = (self.build.obj / 'options').read_text(encoding='utf-8').splitlines()
        self.assertEqual([line for line in options if LINKS in line], [f'{LINKS}=n'])
        self.assertIn('CONFIG_A=y', options)


class FoldersTest(unittest.TestCase):
    def test_of_code_only(self) -> None:
        patch = Patch(Path('some/0001-a.patch'), '''Subject: a

---
Overlay:
 kernel/bpf/a.rs
 tools/b.c
 rust/kernel/c.rs
 net/d.h

diff --git a/net/ipv4/e.c b/net/ipv4/e.c
''')
        self.assertEqual(folders([patch]), ['kernel/bpf/', 'net/ipv4/'])


if __name__ == '__main__':
    unittest.main()
