"""How often something may happen: counted in this process's memory, or in a Redis that all replicas share."""

from __future__ import annotations

import logging
import time
from typing import cast

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

AWAY = 60  # seconds to wait where the storage is away

log = logging.getLogger(__name__)


class RateLimit:
    """Counts hits of keys against limits such as "20/minute;200/hour". Safe to share between threads.

    Where the storage is away, the log says so, and everything is let through: a limit must not stop the service.
    """

    def __init__(self, limits: str, storage: Storage, name: str, lenient: bool = True) -> None:
        """`limits` in the notation of the library of that name, "" for none; `name` tells counters apart.

        Not `lenient`, nothing is let through while the storage is away: what costs money must not run free.
        """
        self.limits: list[RateLimitItem] = parse_many(limits) if limits.strip() else []
        self.name = name
        self.lenient = lenient
        self._limiter = MovingWindowRateLimiter(storage)

    def hit(self, key: str) -> int:
        """Count one for `key`; 0 where it is within all limits, else the seconds until it is again."""
        try:
            for limit in self.limits:
                if not self._limiter.hit(limit, self.name, key):
                    reset = self._limiter.get_window_stats(limit, self.name, key).reset_time
                    return max(1, int(reset - time.time() + 0.999))
        except Exception as error:  # the storage's own errors differ by its kind
            log.error("What counts the %s cannot be reached: %s", self.name, type(error).__name__)
            return 0 if self.lenient else AWAY
        return 0


def rate_storage(url: str) -> Storage:
    """Where counters are kept: a URL such as redis://host:6379, "" for this process's memory.

    Raises `ValueError` where the URL is none.
    """
    if not url:
        return MemoryStorage()
    try:
        return cast("Storage", storage_from_string(url, **({"socket_timeout": 1} if "redis" in url else {})))
    except Exception as error:
        raise ValueError(
            f"CANDOR_LIMITS_STORAGE cannot be used ({error}). Write it like redis://host:6379."
        ) from error
