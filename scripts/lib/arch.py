# SPDX-License-Identifier: GPL-2.0-only
"""The architectures that a kernel can be built for."""

from argparse import ArgumentParser
from collections.abc import Iterable

X86 = 'x86'
# What make is to build of a kernel's image, in arch/ARCH/boot.
IMAGES = {X86: 'bzImage', 'arm64': 'Image.gz', 'riscv': 'Image', 's390': 'bzImage'}


def named(name: str, arch: str) -> str:
    """The name of an architecture's own part of something; x86 needs no mention."""
    return name if arch == X86 else f'{name}-{arch}'


def add_arch(parser: ArgumentParser, arches: Iterable[str] = tuple(IMAGES)) -> None:
    """The option by which a command lets its user choose the architecture."""
    parser.add_argument('--arch', choices=arches, default=X86,
                        help='the architecture, as the kernel calls it (default: x86)')
