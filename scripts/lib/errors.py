# SPDX-License-Identifier: GPL-2.0-only
"""How a library function says that it cannot do what it was asked for."""


class Failure(Exception):
    """What happened, and what to do about it, in one sentence for the user."""
