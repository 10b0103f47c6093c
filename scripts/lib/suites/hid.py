# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's tests of HID-BPF and hidraw, by devices that uhid makes.

The scripts of the folder are left out: they need hid-tools for Python, and the drivers
of many devices.
"""

from pathlib import Path

from lib.kernel import Kernel
from lib.suites import ktap, programs
from lib.suites.suite import Suite

PROGRAMS = ('hid_bpf', 'hidraw')
LIMIT = 400    # seconds for each


def build(kernel: Kernel) -> Path:
    return programs.build('hid', kernel, 'hid', [f'{{out}}/{name}' for name in PROGRAMS])


SUITE = Suite(build, lambda _, only: programs.each(PROGRAMS, only, LIMIT), ktap.verdicts,
              timeout=900)
