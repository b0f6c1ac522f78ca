"""Client tokens: the same request with the same token is the same thing, as often as it is sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable


class TokenMismatchError(ValueError):
    """A token came again with other parameters than the first time."""


class IdempotencyTokens:
    """Remembers what each token led to, for as long as the service does."""

    def __init__(self, valid_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._valid_seconds = valid_seconds
        self._clock = clock
        self._known: dict[tuple, tuple[float, str, str]] = {}
        self._lock = threading.Lock()

    def once(self, scope: tuple, token: str, request: dict, begin: Callable[[], str]) -> tuple[str, bool]:
        """The id that the token led to, and whether it was made just now by `begin`.

        Two requests at once are one after the other here, so that they cannot both begin. Raises TokenMismatchError.
        """
        asked = json.dumps(request, sort_keys=True, default=str)
        with self._lock:
            now = self._clock()
            known = self._known.get((*scope, token))
            if known is not None and now - known[0] < self._valid_seconds:
                if known[1] != asked:
                    raise TokenMismatchError(f"the token {token} was used with other parameters")
                return known[2], False
            made = begin()
            self._known[*scope, token] = (now, asked, made)
            return made, True
