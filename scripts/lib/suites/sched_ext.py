# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's tests of sched_ext, which its runner runs one after the other."""

from pathlib import Path

from lib.kernel import Kernel
from lib.suites import ktap, programs
from lib.suites.suite import Suite

LIMIT = 1500    # seconds for all


def build(kernel: Kernel) -> Path:
    return programs.build('sched_ext', kernel, 'sched_ext', ['{out}/runner'],
                          ['LDFLAGS=-lelf -lz -lpthread'])


SUITE = Suite(build, lambda _, only: programs.each(['runner'], only, LIMIT), ktap.verdicts,
              timeout=1800)
