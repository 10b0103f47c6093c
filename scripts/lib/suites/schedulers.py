# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's schedulers of tools/sched_ext, each started and ended twice, under load."""

import os
from collections.abc import Collection
from pathlib import Path

from lib.kernel import Kernel
from lib.suites import programs
from lib.suites.steps import steps
from lib.suites.suite import Suite

SOURCE = Path('tools/sched_ext')
# Those that the Makefile builds.
SCHEDULERS = ('scx_simple', 'scx_cpu0', 'scx_qmap', 'scx_central', 'scx_flatcg', 'scx_userland',
              'scx_pair', 'scx_sdt')
ROUNDS = 2
SCRIPT = '''state() {
	# Under emulation it takes seconds to switch each task.
	for try in $(seq 300); do
		[ "$(cat /sys/kernel/sched_ext/state)" = "$1" ] && break
		sleep 0.1
	done
	cat /sys/kernel/sched_ext/state
}
for job in 1 2 3 4; do
	while :; do :; done &
done
run() {
	echo "== $1"
	failed=
	for round in $(seq %(rounds)d); do
		build/bin/"$1" >/run/scheduler.log 2>&1 &
		scheduler=$!
		[ "$(state enabled)" = enabled ] || failed="$failed not enabled,"
		sleep 2
		# One that does not run a task in time is thrown out by the kernel.
		[ "$(cat /sys/kernel/sched_ext/state)" = enabled ] || failed="$failed thrown out,"
		kill -INT $scheduler
		wait $scheduler
		[ "$(state disabled)" = disabled ] || failed="$failed not disabled,"
	done
	if [ "$failed" ]; then
		grep -m1 EXIT: /run/scheduler.log
		echo "failed:$failed"
	else
		echo OK
	fi
}
'''


def build(kernel: Kernel) -> Path:
    out, types = programs.folder('schedulers'), programs.btf(kernel)
    return programs.once('schedulers', 'building the schedulers of tools/sched_ext', kernel, [
        'make', '-C', kernel.src / SOURCE, f'-j{os.cpu_count()}', 'LLVM=1', f'O={out}',
        f'VMLINUX_BTF={types}', *SCHEDULERS], types.read_bytes())


def script(_: Kernel, only: Collection[str]) -> str:
    chosen = [name for name in SCHEDULERS if not only or name in only]
    return SCRIPT % {'rounds': ROUNDS} + '\n'.join(f'run {name}' for name in chosen)


SUITE = Suite(build, script, steps, timeout=900)
