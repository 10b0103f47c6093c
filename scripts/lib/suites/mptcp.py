# SPDX-License-Identifier: GPL-2.0-only
"""Upstream's scripts for MPTCP, whose subflows use congestion controls as TCP does.

mptcp_join.sh and mptcp_sockopt.sh skip themselves where iptables is missing.
"""

import shlex
from collections.abc import Collection
from pathlib import Path

from lib.kernel import Kernel
from lib.suites import ktap, programs
from lib.suites.suite import Suite

PROGRAMS = ('mptcp_connect', 'mptcp_diag', 'mptcp_inq', 'mptcp_sockopt', 'pm_nl_ctl')
SCRIPTS = ('diag.sh', 'pm_netlink.sh', 'userspace_pm.sh', 'simult_flows.sh', 'mptcp_connect.sh',
           'mptcp_connect_checksum.sh', 'mptcp_connect_mmap.sh', 'mptcp_connect_sendfile.sh',
           'mptcp_connect_splice.sh', 'mptcp_join.sh', 'mptcp_sockopt.sh')
LIMIT = 1800    # seconds for each, as in upstream's settings


def build(kernel: Kernel) -> Path:
    return programs.build('mptcp', kernel, 'net/mptcp', [f'{{out}}/{name}' for name in PROGRAMS])


def script(kernel: Kernel, only: Collection[str]) -> str:
    """Runs the scripts where they are: they find each other there, and their programs here."""
    source = shlex.quote(str(kernel.src / programs.SELFTESTS / 'net/mptcp'))
    return programs.each(SCRIPTS, only, LIMIT, source)


SUITE = Suite(build, script, ktap.verdicts, timeout=4 * 3600)
