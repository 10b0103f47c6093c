# SPDX-License-Identifier: GPL-2.0-only
"""The kernels that are built from the prepared tree, each in a folder of its own."""

import hashlib
import os
import re
import shutil
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path

from lib import toolchain, tree
from lib.arch import IMAGES, X86, named
from lib.content import Content
from lib.errors import Failure
from lib.estimate import Estimate
from lib.lock import lock
from lib.paths import LOG, TOP, cache
from lib.process import step
from lib.seed import NO_KERNEL, seed

# The two symbols, of the links and of the registry of TCP, and which of them are on.
CHOICES = ('CONFIG_BPF_STRUCT_OPS_LINK_RUST', 'CONFIG_TCP_CONG_REGISTRY_RUST')
SYMBOLS = {'rust': ('y', 'y'), 'c': ('n', 'n'), 'links': ('y', 'n'), 'tcp': ('n', 'y')}
# The rivals, whose results are compared.
RIVALS = ('c', 'rust')
# Configured like rust, and by a file of their own that switches on what finds faults.
WATCHED = ('debug', 'kcsan')
SMALL = 'small'   # the symbols and their KUnit tests, and little besides
IMPLS = (*SYMBOLS, *WATCHED, SMALL)
IMPL_HELP = ('rust: links and TCP\'s registry in Rust; c: in C; links, tcp: one of them in Rust; '
             'debug: rust with KASAN, lockdep and more; kcsan: rust with KCSAN; small: rust with '
             'little besides')
LINT = 'lint'     # configured like rust; only what the checkers look at is made
CONFIGS = TOP / 'scripts/configs'
# The overlay's files that no kernel is built from.
NO_INPUT = re.compile(r'(?:Documentation|tools)/|.*\.(?:md|rst)$')
# What a build from nothing compiles, roughly, until the first one has counted it.
OBJECTS = 2500
OBJECT = re.compile(r'  +(?:HOST)?(?:CC|AS|AR|LD|RUSTC|BINDGEN|LLD)(?: \[M\]| [LPR])? +\S')
NEEDED = 12 << 30     # bytes on disk that a build from nothing wants to find
NEEDED_AGAIN = 3 << 30


def symbols(impl: str) -> tuple[str, str]:
    """Which of CHOICES are on in a kernel."""
    return SYMBOLS.get(impl, SYMBOLS['rust'])


class Kernel:
    """One build, of an IMPL or for LINT."""

    def __init__(self, impl: str, arch: str = X86) -> None:
        if impl not in (*IMPLS, LINT):
            raise Failure(f'there is no kernel {impl}: choose one of {", ".join(IMPLS)}')
        self.impl, self.arch = impl, arch
        self.name = named(impl, arch)
        self.src = tree.prepared().root
        self.obj = self.src / f'build-{self.name}'
        self.image = self.obj / 'image'
        self.stamp = self.obj / 'stamp'

    @property
    def env(self) -> dict[str, str]:
        return toolchain.environment()

    @property
    def key(self) -> str:
        """What the image was built from; '' before the first build."""
        return self.stamp.read_text(encoding='utf-8').strip() if self.stamp.exists() else ''

    @property
    def config(self) -> str:
        """The options that are wanted; all others are off."""
        names = [SMALL] if self.impl == SMALL else \
                ['guest', self.impl if self.impl in WATCHED else 'suites']
        if self.arch != X86:
            names += ['not-x86', self.arch]
        chosen = zip(CHOICES, symbols(self.impl), strict=True)
        return ''.join((CONFIGS / f'{name}.config').read_text(encoding='utf-8')
                       for name in names) + \
            ''.join(f'{name}={value}\n' for name, value in chosen)

    def wanted_key(self, wanted: Mapping[str, Content | None]) -> str:
        """What an image would be built from now."""
        return content_key((tree.prepared().state()[0], self.config, toolchain.versions()), wanted)

    def make_argv(self, *targets: str) -> list[str]:
        arch = [] if self.arch == X86 else [f'ARCH={self.arch}']
        return ['make', '-C', str(self.src), f'O={self.obj}', f'-j{(os.cpu_count() or 1) + 1}',
                *toolchain.make_variables(), *arch, *targets]

    def ensure(self) -> None:
        """Prepares the tree and builds the kernel, unless what is there is current."""
        with lock():
            key = self.wanted_key(tree.prepare())
            if key == self.key and self.image.exists():
                return
            fresh = self.find_room()
            # Until the build is done, the folder is not what the old key says.
            self.stamp.unlink(missing_ok=True)
            self.configure()
            image = IMAGES[self.arch]
            # What was never compiled need not be looked for by its preprocessed text, which
            # takes a fifth of a cold build.
            env = self.env | ({'CCACHE_DEPEND': '1'} if fresh else {})
            step(f'building the {self.name} kernel', self.make_argv(image, 'modules'),
                 LOG / f'build-{self.name}.log', env,
                 counts=lambda line: bool(OBJECT.match(line)),
                 estimate=Estimate(f'build-{self.name}', OBJECTS) if fresh else None)
            # A copy: the next build may fail after it has replaced the image.
            new = self.image.with_suffix('.new')
            shutil.copyfile(self.obj / f'arch/{self.arch}/boot' / image, new)
            new.replace(self.image)
            self.stamp.write_text(key + '\n', encoding='utf-8')

    def find_room(self) -> bool:
        """Makes the build folder, from another kernel's objects where there are any.

        Returns whether all of the kernel is to be compiled.
        """
        others = [Kernel(name, self.arch) for name in SYMBOLS if name != self.impl]
        source = next((kernel for kernel in others if kernel.key), None)
        # Of the others only the tools fit: they compile all of the kernel in their own way.
        parts = () if self.impl in SYMBOLS else NO_KERNEL
        last = self.obj / ('include/generated' if self.impl == LINT else 'vmlinux')
        seeded = bool(source) and not last.exists()
        cold = not last.exists() and not (seeded and not parts)
        free = shutil.disk_usage(cache()).free
        needed = NEEDED if cold and self.impl != LINT else NEEDED_AGAIN
        if free < needed:
            raise Failure(f'{cache()} has {free >> 30} GB of free disk, the build needs '
                          f'{needed >> 30} GB: free some, or set XDG_CACHE_HOME to another disk')
        fresh = cold and not self.obj.exists()
        if source and seeded:
            seed(self.name, source.obj, self.obj, parts)
        self.obj.mkdir(parents=True, exist_ok=True)
        return fresh

    def configure(self) -> None:
        options = self.obj / 'options'
        options.write_text(self.config, encoding='utf-8')
        step(f'configuring the {self.name} kernel',
             [*self.make_argv('allnoconfig'), f'KCONFIG_ALLCONFIG={options}'],
             LOG / f'config-{self.name}.log', self.env)
        lost = missing(self.config, (self.obj / '.config').read_text(encoding='utf-8'))
        if lost:
            raise Failure(f'the {self.name} kernel\'s configuration lost {", ".join(lost)}: an '
                          'option that it depends on is off, or has another name in this kernel')


def keys(impls: Iterable[str]) -> dict[str, str]:
    """The keys of some kernels, for a report: by them a result is traced to its build."""
    return {impl: Kernel(impl).key for impl in impls}


def add_impl(parser: ArgumentParser) -> None:
    """The option by which a command lets its user choose the kernel."""
    parser.add_argument('--impl', choices=IMPLS, default='rust',
                        help=f'the kernel ({IMPL_HELP}; default: rust)')


def options(text: str) -> dict[str, str]:
    """The options of a configuration that are not off; the last assignment counts."""
    found = dict(re.findall(r'^(CONFIG_\w+)=(.*)$', text, re.M))
    return {name: value for name, value in found.items() if value != 'n'}


def missing(wanted: str, got: str) -> list[str]:
    """The options whose value is not the wanted one."""
    found = options(got)
    off = set(re.findall(r'^(CONFIG_\w+)=n$', wanted, re.M)) - options(wanted).keys()
    return [name for name, value in options(wanted).items() if found.get(name) != value] + \
           sorted(f'{name}=n' for name in off if name in found)


def has_object(path: Path) -> bool:
    """Whether a C or Rust file becomes an object; a module of another Rust file does not."""
    return path.suffix == '.c' or (path.suffix == '.rs' and not any(
        re.search(rf'^mod {path.stem};', other.read_text(encoding='utf-8'), re.M)
        for other in path.parent.glob('*.rs')))


def content_key(words: Iterable[str], files: Mapping[str, Content | None]) -> str:
    """One hash over some words, and over those of the files that a kernel is built from."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(hashlib.sha256(word.encode()).digest())
    for name, content in sorted(files.items()):
        if not NO_INPUT.match(name):
            data = content.data if content else b'deleted'
            digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(data).digest())
    return digest.hexdigest()
