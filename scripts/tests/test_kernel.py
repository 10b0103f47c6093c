# SPDX-License-Identifier: GPL-2.0-only
"""What a build is keyed by, and what is said of a configuration."""

import shutil
import tempfile
import unittest
from contextlib import ExitStack, redirect_stderr
from io import StringIO
from pathlib import Path
from unittest import mock

from lib.arch import IMAGES
from lib.content import Content
from lib.errors import Failure
from lib.kernel import CHOICES, CONFIGS, IMPLS, OBJECT, Kernel, content_key, keys, missing, options


class KeyTest(unittest.TestCase):
    def key(self, origin: str = 'linux 7.3.4', config: str = 'CONFIG_X=y', tools: str = 'clang',
            **files: str) -> str:
        names = {'net/tcp.c': 'tcp', 'rust/bpf.rs': 'bpf'} | \
            {name.replace('__', '/').replace('_md', '.md'): text for name, text in files.items()}
        return content_key((origin, config, tools),
                           {name: Content(text.encode()) for name, text in names.items()})

    def test_same_inputs_same_key(self) -> None:
        self.assertEqual(self.key(), self.key())

    def test_every_input_changes_it(self) -> None:
        keys = [self.key(), self.key(origin='linux 7.3.5'), self.key(config='CONFIG_X=n'),
                self.key(tools='gcc'), self.key(net__udp='udp'), self.key(net__udp='new')]
        self.assertEqual(len(set(keys)), len(keys))

    def test_a_deleted_file_is_not_an_absent_one(self) -> None:
        self.assertNotEqual(content_key((), {'net/a.c': None}), content_key((), {}))
        self.assertNotEqual(content_key((), {'net/a.c': None}),
                            content_key((), {'net/a.c': Content(b'')}))

    def test_what_no_kernel_is_built_from(self) -> None:
        for name in ('tools__bpf__ccswap__main', 'Documentation__bpf__a', 'kernel__README_md',
                     'tools__testing__selftests__bpf__a'):
            self.assertEqual(self.key(**{name: 'text'}), self.key(), name)


class MissingTest(unittest.TestCase):
    def test_all_came_out(self) -> None:
        self.assertEqual(missing('CONFIG_A=y\nCONFIG_B=n\n', 'CONFIG_A=y\n'), [])

    def test_lost_and_different(self) -> None:
        self.assertEqual(missing('CONFIG_A=y\nCONFIG_B=4\nCONFIG_C="x"\n',
                                 '# CONFIG_A is not set\nCONFIG_B=5\nCONFIG_C="x"\n'),
                         ['CONFIG_A', 'CONFIG_B'])

    def test_on_although_it_was_to_be_off(self) -> None:
        self.assertEqual(missing('CONFIG_A=n\n', 'CONFIG_A=y\n'), ['CONFIG_A=n'])

    def test_the_last_word_counts(self) -> None:
        self.assertEqual(missing('CONFIG_A=y\nCONFIG_A=n\n', ''), [])
        self.assertEqual(missing('CONFIG_A=n\nCONFIG_A=y\n', 'CONFIG_A=y\n'), [])


class ArchTest(unittest.TestCase):
    """What other architectures change, and that they change nothing for x86."""

    def setUp(self) -> None:
        patcher = mock.patch('lib.kernel.tree.prepared', return_value=mock.Mock(root=Path('/l')))
        patcher.start()
        self.addCleanup(patcher.stop)

    def files(self, *names: str) -> str:
        return ''.join((CONFIGS / f'{name}.config').read_text(encoding='utf-8') for name in names)

    def config(self, impl: str, arch: str = 'x86') -> str:
        return Kernel(impl, arch).config.partition(f'{CHOICES[0]}=')[0]

    def test_the_files_of_a_configuration(self) -> None:
        self.assertEqual(self.config('c'), self.files('guest', 'suites'))
        self.assertEqual(self.config('debug'), self.files('guest', 'debug'))
        self.assertEqual(self.config('small'), self.files('small'))
        self.assertEqual(self.config('debug', 'arm64'),
                         self.files('guest', 'debug', 'not-x86', 'arm64'))

    def test_what_only_x86_has_is_off_elsewhere(self) -> None:
        for arch in IMAGES.keys() - {'x86'}:
            for impl in IMPLS:
                found = options(Kernel(impl, arch).config)
                self.assertFalse({'CONFIG_ACPI', 'CONFIG_X86_MSR'} & found.keys(), (impl, arch))
                self.assertIn('CONFIG_RUST', found)

    def test_folders(self) -> None:
        self.assertEqual([str(Kernel('rust', arch).obj) for arch in ('x86', 'arm64')],
                         ['/l/build-rust', '/l/build-rust-arm64'])

    def test_make_is_told(self) -> None:
        self.assertEqual([[arg for arg in Kernel('rust', arch).make_argv() if 'ARCH' in arg]
                          for arch in ('x86', 's390')], [[], ['ARCH=s390']])


class EnsureTest(unittest.TestCase):
    """Builds with a make that only copies $SOURCE, from a tree that is not there."""

    def setUp(self) -> None:
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.top = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.wanted = {'net/tcp.c': Content(b'first')}
        self.make = 'printf first >arch/x86/boot/bzImage'
        self.made = 0
        self.said = stack.enter_context(redirect_stderr(StringIO()))
        tree = mock.Mock(root=self.top / 'linux', state=lambda: ('linux', []))
        for name, new in {'lib.kernel.tree.prepare': lambda: self.wanted,
                          'lib.kernel.tree.prepared': lambda: tree,
                          'lib.kernel.cache': lambda: self.top,
                          'lib.lock.cache': lambda: self.top,
                          'lib.estimate.cache': lambda: self.top,
                          'lib.kernel.LOG': self.top / 'log',
                          'lib.kernel.toolchain.versions': lambda: 'tools',
                          'lib.kernel.Kernel.config': 'CONFIG_X=y\n',
                          'lib.kernel.Kernel.env': {'PATH': '/usr/bin:/bin'},
                          'lib.kernel.Kernel.make_argv': self.make_argv,
                          }.items():
            stack.enter_context(mock.patch(name, new))
        self.usage = stack.enter_context(mock.patch('shutil.disk_usage'))
        self.usage.return_value.free = 100 << 30
        self.kernel = Kernel('c')

    def make_argv(self, *targets: str) -> list[str]:
        obj = self.kernel.obj
        if targets == ('allnoconfig',):
            return ['sh', '-c', f'echo CONFIG_X=y >{obj}/.config']
        self.made += 1
        self.targets = targets
        return ['sh', '-c', f'mkdir -p {obj}/arch/x86/boot && cd {obj} && touch vmlinux && '
                            f'{self.make}']

    def image(self) -> str:
        return self.kernel.image.read_text(encoding='utf-8')

    def test_built_once(self) -> None:
        self.kernel.ensure()
        self.kernel.ensure()
        self.assertEqual((self.made, self.image()), (1, 'first'))

    def test_the_key_is_that_of_the_build(self) -> None:
        self.assertEqual(keys(['c']), {'c': ''})
        self.kernel.ensure()
        self.assertEqual(keys(['c', 'rust']),
                         {'c': self.kernel.wanted_key(self.wanted), 'rust': ''})

    def test_built_again_for_another_input(self) -> None:
        self.kernel.ensure()
        self.wanted = {'net/tcp.c': Content(b'second')}
        self.make = self.make.replace('first', 'second')
        self.kernel.ensure()
        self.assertEqual((self.made, self.image()), (2, 'second'))

    def test_only_a_first_build_preprocesses_nothing(self) -> None:
        self.make = 'printf "${CCACHE_DEPEND-all}" >arch/x86/boot/bzImage'
        self.kernel.ensure()
        self.assertEqual(self.image(), '1')
        self.wanted = {'net/tcp.c': Content(b'second')}
        self.kernel.ensure()
        self.assertEqual(self.image(), 'all')

    def test_a_build_that_fails_leaves_the_image(self) -> None:
        self.kernel.ensure()
        first, self.wanted = self.wanted, {'net/tcp.c': Content(b'second')}
        self.make = 'printf half >arch/x86/boot/bzImage; false'
        with self.assertRaises(Failure) as end:
            self.kernel.ensure()
        self.assertEqual(self.image(), 'first')
        self.assertIn('build-c.log', str(end.exception))
        # The folder is a mix now: going back to the first inputs is a build, too.
        self.wanted, self.make = first, 'printf first >arch/x86/boot/bzImage'
        self.kernel.ensure()
        self.assertEqual((self.made, self.image()), (3, 'first'))

    def test_a_full_disk(self) -> None:
        self.usage.return_value.free = 5 << 30
        with self.assertRaises(Failure) as end:
            self.kernel.ensure()
        self.assertIn('has 5 GB of free disk, the build needs 12 GB', str(end.exception))
        self.assertEqual(self.made, 0)

    def test_starts_from_the_other_kernel(self) -> None:
        self.kernel.ensure()
        Content(b'object').put(self.kernel.obj / 'object')
        Content(f'cc -o {self.kernel.obj}/tools/a.o'.encode()).put(
            self.kernel.obj / 'tools/objtool/.a.o.cmd')
        self.kernel, c = Kernel('rust'), self.kernel
        self.usage.return_value.free = 5 << 30
        self.make = 'cat object >arch/x86/boot/bzImage'
        self.kernel.ensure()
        self.assertEqual(self.image(), 'object')
        self.assertEqual(c.image.read_text(encoding='utf-8'), 'first')
        self.assertEqual((self.kernel.obj / 'tools/objtool/.a.o.cmd').read_text(encoding='utf-8'),
                         f'cc -o {self.kernel.obj}/tools/a.o')
        shutil.rmtree(c.obj)
        self.kernel.ensure()
        self.assertEqual(self.made, 2)

    def test_objects_of_another_architecture_are_none(self) -> None:
        self.kernel.ensure()
        Content(b'object').put(self.kernel.obj / 'object')
        self.kernel = Kernel('rust', 'arm64')
        self.make = 'mkdir -p arch/arm64/boot && test ! -e object && echo >arch/arm64/boot/Image.gz'
        self.kernel.ensure()
        self.assertEqual((self.image(), self.targets), ('\n', ('Image.gz', 'modules')))

    def test_the_other_kernel_is_not_taken_for_this_one(self) -> None:
        self.kernel.ensure()
        self.kernel, self.make = Kernel('rust'), 'false'
        with self.assertRaises(Failure):
            self.kernel.ensure()
        self.assertFalse(self.kernel.image.exists())


class ObjectTest(unittest.TestCase):
    def test_what_counts_as_progress(self) -> None:
        for line in ('  CC      net/ipv4/tcp.o', '  RUSTC L rust/kernel.o', '  AS      a.o',
                     '  CC [M]  net/a.o', '  HOSTCC  scripts/a', '  RUSTC [M] b.o'):
            self.assertTrue(OBJECT.match(line), line)
        for line in ('make: Entering', '  CALL    scripts/checksyscalls.sh', 'CC', ''):
            self.assertFalse(OBJECT.match(line), line)


if __name__ == '__main__':
    unittest.main()
