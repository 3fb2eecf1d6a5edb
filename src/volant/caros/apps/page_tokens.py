"""Tokens of one app's page: they last two minutes and give what its manifest names, no more. Pure but for chance.

They are this process's own and never leave it but to the page, so nothing need be signed, and all of them end
at one word: when the page is covered, or its app goes.
"""

from __future__ import annotations

import secrets
from typing import Final

from volant.caros.signals.rights import Rights, parse_scope
from volant.caros.signals.tokens import TokenExpiredError
from volant.caros.signals.values import Code, SignalError

LIFE_S: Final = 120.0
TOKENS_MOST: Final = 32
"""At a time; the oldest end."""


class PageTokens:
    """The tokens of one page."""

    def __init__(self, scope: str, life_s: float = LIFE_S) -> None:
        """`scope` is that of the app's manifest.

        Raises:
            SignalError: it is none.
        """
        parse_scope(scope)
        self.life_s = life_s
        self._scope = scope
        self._given: dict[str, Rights] = {}

    def issue(self, now_s: float) -> str:
        """A new token; `now_s` is Unix time."""
        token = secrets.token_urlsafe(24)
        self._given[token] = parse_scope(self._scope, now_s + self.life_s)
        while len(self._given) > TOKENS_MOST:
            del self._given[next(iter(self._given))]
        return token

    def rights(self, token: str, now_s: float) -> Rights:
        """What the bearer of a token may do.

        Raises:
            SignalError: UNAUTHENTICATED, it is none, or its time is over.
        """
        found = self._given.get(token)
        if found is None:
            raise SignalError(Code.UNAUTHENTICATED, "", "the token is none of this page")
        if found.expired(now_s):
            raise TokenExpiredError
        return found

    def revoke(self) -> None:
        """All that were given are none any more."""
        self._given.clear()
