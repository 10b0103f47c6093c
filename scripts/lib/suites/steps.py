# SPDX-License-Identifier: GPL-2.0-only
"""What the steps of a script have printed, without what differs from boot to boot."""

import re

from lib.suites.tries import Tries


def steps(output: str) -> dict[str, Tries]:
    """The text after each line "== NAME"."""
    parts = re.split(r'^== (.+)\n', output, flags=re.M)
    return {name: Tries.once(stable(text))
            for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def stable(text: str) -> str:
    """The text with ID in place of the numbers that the kernel chose."""
    text = re.sub(r'^\d+:', 'ID:', text.strip(), flags=re.M)
    text = re.sub(r'\b((?:\w+_)?ids?"?:? )\d+(?:,\d+)*', r'\1ID', text)
    # The map 0 is of a link that was detached.
    text = re.sub(r'\bmap [1-9]\d*', 'map ID', text)
    return re.sub(r'prog_id:\d+|\(\d+\)|0x[0-9a-f]{8,}', 'ID', text)
