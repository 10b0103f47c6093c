# SPDX-License-Identifier: GPL-2.0-only
"""Builds the folders that the series change, after each patch, in one configuration.

Built are Rust's core and kernel crates and the objects of the folders of kernel/,
net/ and drivers/ that hold a file which a patch changes or brings: with W=1,
clippy, and sparse for what is compiled anew. Nothing is linked. Instead, a symbol
that an object needs has to be defined in these objects, or elsewhere in the tree.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lib import compiler_output, object_code, toolchain
from lib.compiler_output import Complaint
from lib.kernel import CHOICES, CONFIGS, OBJECT, options
from lib.patches import Patch
from lib.paths import LOG
from lib.process import run_logged
from lib.progress import watched

TESTS = ('CONFIG_KUNIT', 'CONFIG_BPF_STRUCT_OPS_LINK_KUNIT_TEST',
         'CONFIG_TCP_CONG_REGISTRY_KUNIT_TEST')
# Debian's sparse, 0.6.4, does not know __typeof_unqual__, which the kernel asks for.
SPARSE = 'sparse -D__typeof_unqual__=__typeof__'
# What is switched on and off in each configuration, as soon as it exists.
CONFIGURATIONS = {
    'on': dict.fromkeys((*CHOICES, *TESTS), 'y'),
    'off': {'CONFIG_RUST': 'n'},
    'symbols-off': dict.fromkeys(CHOICES, 'n'),
}
# Where the rest of what a kernel consists of is looked for.
ELSEWHERE = ('kernel', 'lib', 'net', 'mm', 'fs', 'arch/x86', 'security', 'drivers', 'crypto',
             'block', 'io_uring', 'init')
CRATES = ('rust/kernel.o', 'rust/helpers/helpers.o', 'rust/core.o', 'rust/compiler_builtins.o',
          'rust/bindings.o', 'rust/uapi.o', 'rust/build_error.o', 'rust/pin_init.o')


def folders(patches: Iterable[Patch]) -> list[str]:
    """The folders of the code that patches change or bring."""
    names = [name for patch in patches for name in (*patch.files, *patch.overlay)]
    return sorted({f'{Path(name).parent}/' for name in names
                   if re.fullmatch(r'(?:kernel|net|drivers)/.*\.(?:c|rs)', name)})


@dataclass
class Object:
    """What is known of one object file."""
    mtime: int
    digest: str
    defined: list[str]
    undefined: list[str]

    @classmethod
    def read(cls, path: Path) -> 'Object':
        defined, undefined = object_code.symbols(path)
        return cls(path.stat().st_mtime_ns, object_code.digest(path), sorted(defined),
                   sorted(undefined))


@dataclass
class Built:
    """What a build came to, compared with the one before."""
    errors: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    undefined: list[str] = field(default_factory=list)


class Build:
    """A build folder, and a record of what the last build made there."""

    def __init__(self, name: str, src: Path, parts: Sequence[str], jobs: int) -> None:
        self.name, self.src, self.parts, self.jobs = name, src, parts, jobs
        self.obj = src / f'build-{name}'
        self.record = self.obj / 'check.json'
        self.state = ''
        self.known: Counter[Complaint] = Counter()
        self.objects: dict[str, Object] = {}
        self.load()

    def load(self) -> None:
        try:
            kept = json.loads(self.record.read_text(encoding='utf-8'))
            self.state = kept['state']
            self.known = Counter({(name, text): count for name, text, count in kept['known']})
            self.objects = {name: Object(*known) for name, known in kept['objects'].items()}
        except (OSError, ValueError, KeyError, TypeError):
            self.state, self.known, self.objects = '', Counter(), {}

    def keep(self, state: str) -> None:
        self.state = state
        new = self.record.with_suffix('.new')
        new.write_text(json.dumps({
            'state': state, 'known': [[*said, count] for said, count in self.known.items()],
            'objects': {name: [known.mtime, known.digest, known.defined, known.undefined]
                        for name, known in self.objects.items()}}), encoding='utf-8')
        new.replace(self.record)

    def make(self, title: str, log: str, *targets: str) -> tuple[bool, str]:
        """Runs make; returns whether it worked, and what it printed."""
        path = LOG / f'series-check-{self.name}-{log}.log'
        status = run_logged(
            title, ['make', '-C', self.src, f'O={self.obj}', f'-j{self.jobs}',
                    *toolchain.make_variables(), 'W=1', 'C=1', f'CHECK={SPARSE}', 'CLIPPY=1',
                    *targets], path, toolchain.environment(),
            counts=lambda line: bool(OBJECT.match(line)))
        return not status, path.read_text(encoding='utf-8', errors='replace')

    def configure(self) -> list[str]:
        """Configures; returns what is wrong with that."""
        self.obj.mkdir(exist_ok=True)
        wanted = CONFIGURATIONS[self.name]
        text = (CONFIGS / 'guest.config').read_text(encoding='utf-8')
        text = ''.join(line for line in text.splitlines(keepends=True)
                       if line.partition('=')[0] not in wanted)
        chosen = self.obj / 'options'
        chosen.write_text(text + ''.join(f'{name}={value}\n' for name, value in wanted.items()),
                          encoding='utf-8')
        good, output = self.make(f'configuring: {self.name}', 'config', 'allnoconfig',
                                 f'KCONFIG_ALLCONFIG={chosen}')
        if not good:
            return compiler_output.errors(output)
        got = options((self.obj / '.config').read_text(encoding='utf-8'))
        exist = self.kconfig()
        return [f'{name} is {got.get(name, "n")}, not {value}' for name, value in wanted.items()
                if name.removeprefix('CONFIG_') in exist and got.get(name, 'n') != value]

    def kconfig(self) -> set[str]:
        """The symbols that exist, of those that this is about."""
        texts = [(self.src / name).read_text(encoding='utf-8') for name in
                 ('kernel/bpf/Kconfig', 'net/ipv4/Kconfig', 'lib/kunit/Kconfig', 'init/Kconfig')
                 if (self.src / name).exists()]
        return set(re.findall(r'^\s*config (\w+)$', '\n'.join(texts), re.M))

    def members(self, part: str) -> list[Path]:
        """The objects that a folder comes to, without what an earlier state left there."""
        archive, modules = self.obj / part / 'built-in.a', self.obj / part / 'modules.order'
        if not archive.exists():
            return list((self.obj / part).rglob('*.o'))
        names = object_code.tool('llvm-ar', 't', archive).split()
        if modules.exists():
            names += modules.read_text(encoding='utf-8').split()
        return [self.obj / name for name in dict.fromkeys(names) if (self.obj / name).exists()]

    def scan(self) -> dict[str, Object]:
        """The objects that are there now."""
        paths = [path for part in self.parts for path in self.members(part)]
        paths += [self.obj / name for name in CRATES if (self.obj / name).exists()]
        found = {str(path.relative_to(self.obj)): self.objects.get(str(path.relative_to(self.obj)))
                 for path in paths}
        new = [name for name, known in found.items()
               if not known or known.mtime != (self.obj / name).stat().st_mtime_ns]
        read: list[Object] = []
        with watched('reading new objects', lambda: len(read), len(new)), \
                ThreadPoolExecutor(self.jobs) as pool:
            read.extend(pool.map(Object.read, (self.obj / name for name in new)))
        found |= dict(zip(new, read, strict=True))
        return {name: known for name, known in found.items() if known}

    def run(self, title: str, state: str) -> Built:
        """Builds what the tree now holds, and compares it with the last build if there is one."""
        built = Built(errors=self.configure())
        compared = bool(self.objects)
        if not compared:
            self.start_anew()
        # Until the build is done, the record is of no state.
        self.keep('')
        if not built.errors:
            targets = [part for part in self.parts if (self.src / part).is_dir()]
            good, output = self.make(f'{title}: {self.name}', 'build', 'prepare', *targets)
            if not good:
                built.errors = compiler_output.errors(output)
            said = compiler_output.complaints(output, self.src)
            files = compiler_output.compiled(output)
            built.complaints = compiler_output.new(said, self.known, files) if compared else []
            self.known = said | Counter({(name, text): count for (name, text), count
                                         in self.known.items() if name not in files})
        if not built.errors:
            before, now = self.objects, self.scan()
            self.objects = now
            self.keep(state)
            if not compared:
                return built
            parts = {name for name in now.keys() | before.keys() if name not in CRATES}
            built.changed = sorted(
                name for name in parts if name not in now or name not in before
                or now[name].digest != before[name].digest)
            new = outside(now) - outside(before)
            built.undefined = sorted(name for name in new if not self.elsewhere(name))
        return built

    def start_anew(self) -> None:
        """Removes what there may be of objects, so that all that compilers say is heard."""
        for part in self.parts:
            shutil.rmtree(self.obj / part, ignore_errors=True)
        for name in (*CRATES, 'rust/libkernel.rmeta'):
            (self.obj / name).unlink(missing_ok=True)

    def elsewhere(self, name: str) -> bool:
        """Whether a file that is not built here seems to define a symbol."""
        word = rf'\b{re.escape(name)}\b'
        pattern = re.compile(rf'^(?!static|extern)[A-Za-z_][^;={{}}]*{word}\([^;]*$'     # function
                             rf'|^(?!static|extern)[A-Za-z_][^;(){{}}]*{word}[^;(){{}}]*[=;]'
                             rf'|\b(?:EXPORT|SYM|DEFINE)_\w*\([^)]*{word}', re.M)
        built = tuple(str(self.src / part) for part in self.parts)
        for top in ELSEWHERE:
            for path in (self.src / top).rglob('*.[cS]'):
                if str(path).startswith(built):
                    continue
                text = path.read_bytes()
                if name.encode() in text and pattern.search(text.decode(errors='replace')):
                    return True
        return False


def outside(objects: dict[str, Object]) -> set[str]:
    """The symbols that objects need and none of them defines."""
    return {name for known in objects.values() for name in known.undefined} - \
           {name for known in objects.values() for name in known.defined}
