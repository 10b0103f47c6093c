# SPDX-License-Identifier: GPL-2.0-only
"""Where things stand: the checkout, what a run leaves in it, and the cache."""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / 'build'
LOG = BUILD / 'log'
RESULTS = BUILD / 'results'


def cache() -> Path:
    """The folder that outlives a checkout: sources, tools and object files."""
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    path = Path(base) / 'struct-ops-links'
    path.mkdir(parents=True, exist_ok=True)
    return path
