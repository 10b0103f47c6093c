# SPDX-License-Identifier: GPL-2.0-only
"""Checkers of kernel code, in a build folder in which only what they need is made."""

import hashlib
import subprocess
from collections.abc import Callable
from functools import cache as once
from functools import partial
from pathlib import Path

from lib import tree
from lib.kernel import LINT, Kernel, has_object
from lib.lint.ours import Ours, added
from lib.paths import LOG
from lib.process import run_logged


def rustfmt(ours: Ours) -> list[str]:
    source = Kernel(LINT).src
    found = []
    for name in ours.named(r'(?!tools/).*\.rs'):
        text = (source / name).read_bytes()
        run = subprocess.run(['/usr/bin/rustfmt', '--edition=2021', '--config-path',
                              source / '.rustfmt.toml'], input=text, capture_output=True,
                             check=False)
        touched = {line for line in added(run.stdout, text) if ours.has(name, line)}
        if run.returncode or touched:
            found.append(f'{name}: not as rustfmt has it, line {min(touched, default=1)}')
    return found


def objects(ours: Ours) -> list[str]:
    """The kernel objects that are made of the project's C and Rust files."""
    names = ours.named(r'(?:kernel|net|fs|drivers)/.*\.(?:c|rs)')
    return [str(Path(name).with_suffix('.o')) for name in names
            if has_object(tree.prepared().root / name)]


def make(ours: Ours, kernel: Kernel, name: str, *targets: str) -> list[str]:
    """What the compilers say of the project's lines while they make the targets."""
    log = LOG / f'lint-{name}.log'
    status = run_logged(f'running {name}', kernel.make_argv(*targets), log, kernel.env)
    found = ours.complaints(log.read_text(encoding='utf-8'))
    # A change of ours may cause an error in a file that is not ours.
    return found or ([f'make failed: see {log}'] if status else [])


@once
def ready() -> Kernel:
    """The kernel whose build folder the checkers use."""
    kernel = Kernel(LINT)
    kernel.find_room()
    kernel.configure()
    return kernel


def unless_clean(name: str, check: Callable[[], list[str]]) -> list[str]:
    """Runs a check, unless it was clean the last time and nothing has changed since."""
    kernel = Kernel(LINT)
    key = hashlib.sha256(kernel.wanted_key(tree.prepare()).encode() +
                         Path(__file__).read_bytes()).hexdigest()
    stamp = kernel.obj / f'{name}.clean'
    if stamp.exists() and stamp.read_text(encoding='utf-8') == key:
        return []
    stamp.unlink(missing_ok=True)
    found = check()
    if not found:
        stamp.write_text(key, encoding='utf-8')
    return found


def clippy(ours: Ours) -> list[str]:
    """Clippy, rustc and clang with W=1."""
    return unless_clean('clippy', partial(run_clippy, ours))


def rustdoc(ours: Ours) -> list[str]:
    return unless_clean('rustdoc', partial(run_rustdoc, ours))


def run_clippy(ours: Ours) -> list[str]:
    kernel = ready()
    made = objects(ours)
    # A warning is given when a file is compiled, so all that is ours is compiled again.
    for name in (*made, 'rust/kernel.o', 'rust/libkernel.rmeta', 'rust/helpers/helpers.o'):
        (kernel.obj / name).unlink(missing_ok=True)
    return make(ours, kernel, 'clippy', 'CLIPPY=1', 'W=1', 'prepare', *made)


def run_rustdoc(ours: Ours) -> list[str]:
    return make(ours, ready(), 'rustdoc', 'rustdoc')
