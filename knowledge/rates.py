"""How often something may happen: counted in this process's memory, or in a Redis that all replicas share."""

from __future__ import annotations

import logging
import time
from typing import cast

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

AWAY = 60  # seconds to wait where the storage is away
RETRY = 2.0  # seconds until a storage that was away is asked again: not every turn should wait for it

log = logging.getLogger(__name__)


class RateLimit:
    """Counts hits of keys against limits such as "20/minute;200/hour". Safe to share between threads.

    Where the storage is away, the log says so once, and this process counts for itself: a limit must not stop
    the service, nor must it be gone with a Redis.
    """

    def __init__(self, limits: str, storage: Storage, name: str, lenient: bool = True) -> None:
        """`limits` in the notation of the library of that name, "" for none; `name` tells counters apart.

        Not `lenient`, nothing is let through while the storage is away: what costs money must not run free.
        """
        self.limits: list[RateLimitItem] = parse_many(limits) if limits.strip() else []
        self.name = name
        self.lenient = lenient
        self._limiter = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away = False
        self._away_until = 0.0

    def hit(self, key: str) -> int:
        """Count one for `key`; 0 where it is within all limits, else the seconds until it is again."""
        if not self.limits:
            return 0
        if time.monotonic() >= self._away_until:
            try:
                wait = self._hit(self._limiter, key)
            except Exception as error:  # the storage's own errors differ by its kind
                self._away_until = time.monotonic() + RETRY
                if not self._away:
                    how = "this process counts for itself" if self.lenient else "nothing is let through"
                    log.error(
                        "What counts the %s cannot be reached (%s): %s.", self.name, type(error).__name__, how
                    )
                self._away = True
            else:
                if self._away:
                    log.warning("What counts the %s can be reached again.", self.name)
                self._away = False
                return wait
        return self._hit(self._own, key) if self.lenient else AWAY

    def _hit(self, limiter: MovingWindowRateLimiter, key: str) -> int:
        for limit in self.limits:
            if not limiter.hit(limit, self.name, key):
                reset = limiter.get_window_stats(limit, self.name, key).reset_time
                return max(1, int(reset - time.time() + 0.999))
        return 0


def rate_storage(url: str) -> Storage:
    """Where counters are kept: a URL such as redis://host:6379, "" for this process's memory.

    Raises `ValueError` where the URL is none.
    """
    if not url:
        return MemoryStorage()
    try:
        return cast(
            "Storage",
            storage_from_string(
                url, **({"socket_timeout": 1, "socket_connect_timeout": 1} if "redis" in url else {})
            ),
        )
    except Exception as error:
        raise ValueError(
            f"CANDOR_LIMITS_STORAGE cannot be used ({error}). Write it like redis://host:6379."
        ) from error
