# SPDX-License-Identifier: GPL-2.0-only
"""How many bytes of machine code the links are, in either kernel."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lib.errors import Failure
from lib.kernel import Kernel, has_object
from lib.patches import read_patches
from lib.paths import TOP
from lib.toolchain import LLVM

CODE = re.compile(r'^[0-9a-f]+ (?P<size>[0-9a-f]+) [tTwW] (?P<name>.*)$', re.M)
# The suites are built into a kernel that has KUnit; they are not the links' code.
TESTS = re.compile(r'kunit|doctest|struct_ops::fake')
LIBRARY = Path('rust/kernel.o')
OURS = re.compile(r'kernel::(?:bpf|net::tcp)\b')


@dataclass(frozen=True)
class Text:
    """In bytes."""
    taken: int       # what C objects are smaller in the Rust kernel
    leaf: int        # the Rust objects that took their place
    library: int     # and what they use of the kernel crate


def code(listing: str, wanted: re.Pattern[str] | None = None) -> int:
    """The sum of an object's functions, from what nm says of them."""
    return sum(int(line['size'], 16) for line in CODE.finditer(listing)
               if not TESTS.search(line['name'])
               and (wanted is None or wanted.search(line['name'])))


def nm(path: Path) -> str:
    if not path.exists():
        raise Failure(f'{path} is missing: build the kernel again (make kernel)')
    run = subprocess.run([LLVM / 'llvm-nm', '--demangle', '--print-size', path],
                         capture_output=True, text=True, check=False)
    return run.stdout


def measure(c: Kernel, rust: Kernel) -> Text:
    """Compares the objects of both build folders."""
    patches = read_patches()
    changed = dict.fromkeys(name for patch in patches for name in patch.files
                            if re.match(r'(?:kernel|net)/.*\.c$', name)
                            and not (TOP / name).exists())
    # What Rust takes the place of is not built there; an object may be left of a former build.
    replaced = {move.target for patch in patches for move in patch.moves}
    added = [path.relative_to(TOP).with_suffix('.o') for folder in ('kernel', 'net')
             for path in sorted((TOP / folder).rglob('*')) if has_object(path)]
    taken = sum(code(nm(c.obj / Path(name).with_suffix('.o')))
                - (0 if name in replaced else code(nm(rust.obj / Path(name).with_suffix('.o'))))
                for name in changed)
    leaf = sum(code(nm(rust.obj / name)) for name in added)
    return Text(taken, leaf, code(nm(rust.obj / LIBRARY), OURS))
