# SPDX-License-Identifier: GPL-2.0-only
"""The commands of bpftool for struct_ops and links: what they print, and if that worked."""

from collections.abc import Collection
from pathlib import Path

from lib.errors import Failure
from lib.kernel import Kernel
from lib.paths import cache
from lib.suites.steps import steps
from lib.suites.suite import Suite

PINS = '/sys/fs/bpf/suites'
COMMANDS = {      # by the name of the step
    'register': f'struct_ops register tcp_ca_update.bpf.o {PINS}',
    'show': 'struct_ops show',
    'show-one': 'struct_ops show name ca_update_1',
    'dump': 'struct_ops dump name ca_update_1',
    'links': 'link show',
    'pinned-link': f'link show pinned {PINS}/ca_update_1',
    'detach': f'link detach pinned {PINS}/ca_update_1',
    'detach-again': f'link detach pinned {PINS}/ca_update_1',
    'links-after-detach': 'link show',
    'register-without-link': 'struct_ops register bpf_dctcp.bpf.o',
    'unregister': 'struct_ops unregister name dctcp',
    'unregister-again': 'struct_ops unregister name dctcp',
    'unregister-unknown': 'struct_ops unregister name no_such_table',
}
# Those that are to fail: tcp_ca_update and bpf_dctcp have a table that the kernel refuses, and
# bpftool ends a show of a single link with the errno of something else.
FAILING = ('register', 'pinned-link', 'register-without-link', 'unregister-again',
           'unregister-unknown')


def build(_: Kernel) -> Path:
    """The folder where make selftests has built bpftool and the objects."""
    out = cache() / 'selftests/c/out'
    if not (out / 'test_progs').exists():
        raise Failure('the selftests were not built: run make selftests IMPL=c')
    return out


def script(_: Kernel, only: Collection[str]) -> str:
    """Runs all, since each command needs those before it."""
    del only
    lines = ['mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf', f'mkdir {PINS}']
    for name, argv in COMMANDS.items():
        wanted = 255 if name in FAILING else 0
        lines += [f'echo "== {name}"', f'tools/sbin/bpftool {argv}; status=$?',
                  f'if [ $status = {wanted} ]; then echo OK; else echo "status $status"; fi']
    return '\n'.join(lines)


SUITE = Suite(build, script, steps, timeout=300)
