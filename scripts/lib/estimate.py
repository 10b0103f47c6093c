# SPDX-License-Identifier: GPL-2.0-only
"""How long a build will still take, from its pace so far and the times of the last one."""

import json

from lib.paths import cache

PARTS = 50        # in which the count of a build is divided to keep its times
ENOUGH = 0.02     # the share of a build from which on its pace says something


class Estimate:
    """What is left of a build whose steps are counted.

    Its steps do not take equally long: a crate of the kernel's takes longer than a
    C file, and the last steps link. So the times of a whole build are kept in the
    cache, and the next build is compared with them. Before there are any, all
    steps are taken to be equally long.
    """

    def __init__(self, name: str, total: int) -> None:
        self.path = cache() / 'times' / f'{name}.json'
        self.total = total
        self.times: list[float] = []              # at which the last build had done each part
        self.added: list[tuple[int, float]] = []
        try:
            last = json.loads(self.path.read_text(encoding='utf-8'))
            times = [float(seconds) for seconds in last['times']]
            if len(times) == PARTS + 2:    # the start, each part, and the end
                self.times, self.total = times, int(last['total'])
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def add(self, count: int, elapsed: float) -> None:
        """Takes down how long the build took up to this count."""
        self.added.append((count, elapsed))

    def at(self, share: float) -> float:
        """When the last build had done such a share of its steps."""
        place = min(share, 1.0) * PARTS
        part = min(int(place), PARTS - 1)
        return self.times[part] + (place - part) * (self.times[part + 1] - self.times[part])

    def remaining(self, count: int, elapsed: float) -> float | None:
        """Seconds until the end; None where nothing is known of that."""
        share = count / self.total
        if not self.times:
            return elapsed * (1 - share) / share if ENOUGH <= share < 1 else None
        end = self.times[-1]
        if share < ENOUGH:
            return max(end - elapsed, 0)
        then = self.at(share)
        pace = elapsed / then if then else 1
        return max(end * pace - elapsed, 0)

    def keep(self, elapsed: float) -> None:
        """Keeps the times of a build that has succeeded."""
        if not self.added:
            return
        total = self.added[-1][0]
        times = [0.0, *(next(seconds for count, seconds in self.added
                             if count * PARTS >= part * total)
                        for part in range(1, PARTS + 1))]
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps({'total': total, 'times': [
            round(seconds, 1) for seconds in (*times, elapsed)]}) + '\n', encoding='utf-8')
