# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's tests of binfmt_misc: its handlers in BPF, and the entries without."""

from pathlib import Path

from lib.kernel import Kernel
from lib.suites import ktap, programs
from lib.suites.suite import Suite

PROGRAMS = ('binfmt_misc_bpf', 'binfmt_misc_transparent', 'binfmt_misc_loader',
            'binfmt_misc_disabled', 'binfmt_misc_selfpin', 'binfmt_misc_interplimit')
# What they load and execute.
FILES = ('bpf_interp.bpf.o', 'nix_origin.bpf.o', 'transparent.bpf.o', 'loader.bpf.o',
         'interp_bind.bpf.o', 'binfmt_bpf_interp', 'binfmt_bpf_app', 'binfmt_bind_interp',
         'binfmt_transparent_interp', 'binfmt_loader_payload', 'binfmt_loader_payload_static')
LIMIT = 120    # seconds for each
MOUNT = 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc\n'


def build(kernel: Kernel) -> Path:
    tools = programs.tools()
    libbpf = tools / 'build/libbpf/libbpf.a'
    return programs.build(
        'binfmt_misc_bpf', kernel, 'exec', [f'{{out}}/{name}' for name in (*PROGRAMS, *FILES)],
        ['HAVE_BPF_TOOLCHAIN=y', f'LIBBPF_CFLAGS=-I{tools / "include"}',
         f'LIBBPF_LDLIBS={libbpf} -lelf -lz'])


SUITE = Suite(build, lambda _, only: MOUNT + programs.each(PROGRAMS, only, LIMIT), ktap.verdicts,
              timeout=900)
