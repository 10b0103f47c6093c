# SPDX-License-Identifier: GPL-2.0-only
"""The distribution's compilers, and nothing that the user's shell brings along."""

import os
import subprocess
from functools import cache as once
from pathlib import Path

from lib.errors import Failure
from lib.paths import cache

LLVM = Path('/usr/lib/llvm-19/bin')
RUST_LIB = Path('/usr/lib/rustlib/src/rust/library')
CCACHE_SIZE = '4G'

# What a build may see of the user's environment.
PASSED_ON = ('HOME', 'USER', 'TERM', 'http_proxy', 'https_proxy', 'no_proxy')


def bindgen() -> Path:
    """The one that setup.sh installed where the distribution's is too old."""
    own = cache() / 'tools/bin/bindgen'
    return own if own.exists() else Path('/usr/bin/bindgen')


def make_variables() -> list[str]:
    """Named one by one: a rustup toolchain in PATH lacks the library's source."""
    return ['LLVM=1', 'CC=ccache clang', 'RUSTC=/usr/bin/rustc', 'RUSTDOC=/usr/bin/rustdoc',
            'RUSTFMT=/usr/bin/rustfmt', 'CLIPPY_DRIVER=/usr/bin/clippy-driver',
            f'BINDGEN={bindgen()}', f'RUST_LIB_SRC={RUST_LIB}']


def environment() -> dict[str, str]:
    """A clean environment, under which both kernels share their objects in ccache."""
    root = cache()
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return env | {
        'PATH': f'{LLVM}:{root}/tools/bin:/usr/bin:/usr/sbin:/bin:/sbin',
        'LANG': 'C.UTF-8',
        'CCACHE_DIR': f'{root}/ccache',
        'CCACHE_NOHASHDIR': '1',
        'CCACHE_MAXSIZE': CCACHE_SIZE,
        # The image says what it was built from, not when and where.
        'KBUILD_BUILD_TIMESTAMP': '1970-01-01',
        'KBUILD_BUILD_USER': 'struct-ops-links',
        'KBUILD_BUILD_HOST': 'localhost',
        'KBUILD_BUILD_VERSION': '1',
    }


@once
def versions() -> str:
    """What the tools call themselves; part of what a build is keyed by."""
    tools = [LLVM / 'clang', LLVM / 'ld.lld', Path('/usr/bin/rustc'), bindgen(),
             Path('/usr/bin/pahole')]
    missing = [str(tool) for tool in [*tools, RUST_LIB] if not tool.exists()]
    if missing:
        raise Failure(f'{", ".join(missing)} missing: run make setup')
    running = [subprocess.Popen([tool, '--version'], stdout=subprocess.PIPE, text=True)
               for tool in tools]
    return ''.join(child.communicate()[0] for child in running)
