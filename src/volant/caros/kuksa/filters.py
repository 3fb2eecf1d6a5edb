"""How often subscribers want each signal, told to the providers that say it (v2 UpdateFilterRequest)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol


class Told(Protocol):
    """A provider, as far as filters go."""

    intervals_ms: dict[int, int]

    def update_filters(self, intervals_ms: Mapping[int, int | None]) -> None:
        """Take new wishes in; None: nobody listens to that signal."""


class Filters:
    """The least interval that is asked for, signal by signal, of what some provider says."""

    def __init__(self) -> None:
        self._wished: dict[int, dict[int, int | None]] = {}
        self._providers: dict[int, Told] = {}
        self._wishers = 0

    def opened(self, ids: Iterable[int], interval_ms: int | None) -> int:
        """Somebody subscribes; without interval the provider's own pace is meant. Gives a number."""
        self._wishers += 1
        touched = list(ids)
        before = self._least(touched)
        for leaf_id in touched:
            self._wished.setdefault(leaf_id, {})[self._wishers] = interval_ms
        self._tell(before)
        return self._wishers

    def closed(self, wisher: int, ids: Iterable[int]) -> None:
        """Somebody listens no longer."""
        touched = list(ids)
        before = self._least(touched)
        for leaf_id in touched:
            wishes = self._wished.get(leaf_id)
            if wishes is not None:
                wishes.pop(wisher, None)
                if not wishes:
                    del self._wished[leaf_id]
        self._tell(before)

    def provider_came(self, provider: Told, ids: Iterable[int]) -> None:
        """A provider says these signals from now on; it is told what is wished already."""
        touched = list(ids)
        self._providers.update(dict.fromkeys(touched, provider))
        wanted = {
            key: interval for key, interval in self._least(touched).items() if interval is not None
        }
        if wanted:
            provider.update_filters(wanted)

    def provider_went(self, provider: Told) -> None:
        """A provider has gone."""
        for leaf_id in provider.intervals_ms:
            if self._providers.get(leaf_id) is provider:
                del self._providers[leaf_id]

    def provider_of(self, leaf_id: int) -> Told | None:
        """Who says a signal on a stream."""
        return self._providers.get(leaf_id)

    def _least(self, ids: Iterable[int]) -> dict[int, int | None]:
        """The least interval of each signal that a provider says; None where nobody listens."""
        found: dict[int, int | None] = {}
        for leaf_id in ids:
            provider = self._providers.get(leaf_id)
            if provider is None:
                continue
            own_ms = provider.intervals_ms.get(leaf_id, 0)
            wishes = self._wished.get(leaf_id, {}).values()
            found[leaf_id] = min((own_ms if one is None else one for one in wishes), default=None)
        return found

    def _tell(self, before: Mapping[int, int | None]) -> None:
        changed: dict[Told, dict[int, int | None]] = {}
        for leaf_id, interval_ms in self._least(before).items():
            if interval_ms != before[leaf_id]:
                changed.setdefault(self._providers[leaf_id], {})[leaf_id] = interval_ms
        for provider, intervals_ms in changed.items():
            provider.update_filters(intervals_ms)
