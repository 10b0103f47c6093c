# SPDX-License-Identifier: GPL-2.0-only
"""The checkers of `make lint`; each is a function that returns its complaints."""
