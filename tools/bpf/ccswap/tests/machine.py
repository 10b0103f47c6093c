# SPDX-License-Identifier: GPL-2.0-only
"""systemd as process 1 of namespaces of its own, as on a machine that boots."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from case import CGROUPS, SETTINGS, wait_for

PROGRAM = Path("/usr/bin/ccswap")
STATE = Path("/run/systemd")
GROUP = CGROUPS / "machine"

# The number that the first process has outside is in the old /proc. This machine's own
# units are hidden, and what would set its sysctls or empty its /tmp.
BOOT = """
set -e
read -r pid _ </proc/self/stat
echo "$pid" >"$3"
mount -t proc proc /proc
umount /sys/fs/cgroup
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tmpfs units /etc/systemd/system
ln -s /dev/null /etc/systemd/system/systemd-sysctl.service
cp "$1" /etc/systemd/system/
SYSTEMD_OFFLINE=1 systemctl --quiet enable "$2"
mount -t tmpfs tmp /tmp
exec /lib/systemd/systemd --unit=multi-user.target
"""
BOOTS = 180     # seconds that it may take, on an emulated machine


class Machine:
    """A boot of Debian's systemd to its usual target, with a service of ccswap's enabled."""

    def __init__(self, service: str) -> None:
        shutil.copy(SETTINGS.installed / "bin/ccswap", PROGRAM)
        self.scratch = tempfile.TemporaryDirectory()
        told = Path(self.scratch.name) / "pid"
        GROUP.mkdir()
        join = f'echo $$ >{GROUP}/cgroup.procs; exec "$@"'
        namespaces = ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--cgroup",
                      "--uts"]
        self.process = subprocess.Popen(
            ["sh", "-c", join, "sh", *namespaces,
             "sh", "-c", BOOT, "sh", str(SETTINGS.installed / "lib/systemd/system/ccswap@.service"),
             service, str(told)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env={**os.environ, "container": "test"})
        try:
            wait_for(lambda: told.exists() and told.read_text().endswith("\n"))
            self.first = told.read_text().strip()
            wait_for(self.booted, BOOTS)
        except BaseException:
            self.end()
            raise

    def systemctl(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Asks that systemd."""
        return self.run("systemctl", "--no-pager", *args)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Runs a program beside that systemd, to its end."""
        inside = ["nsenter", "--target", self.first, "--pid", "--mount", "--cgroup", "--"]
        return subprocess.run([*inside, *args], capture_output=True, text=True, timeout=120,
                              check=False)

    def booted(self) -> bool:
        """Whether it is done with what it starts at boot."""
        if self.process.poll() is not None:
            raise AssertionError("systemd has ended")
        return self.systemctl("is-system-running").stdout.strip() in ("running", "degraded")

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.systemctl("show", unit, f"--property={name}", "--value").stdout.strip()

    def off(self) -> None:
        """Shuts it down, as an operator does."""
        self.systemctl("poweroff")
        self.process.wait(timeout=120)

    def end(self) -> None:
        """Ends it, if it runs, and removes what it has left."""
        self.process.kill()
        self.process.wait()
        wait_for(lambda: not (GROUP / "cgroup.events").read_text().startswith("populated 1"))
        for folder, _, _ in os.walk(GROUP, topdown=False):
            os.rmdir(folder)
        shutil.rmtree(STATE, ignore_errors=True)
        PROGRAM.unlink()
        self.scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
