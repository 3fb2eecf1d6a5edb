"""Cars that a filter lets through, page by page: asked of kinds of cars where that is enough, else of so many cars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from volant.cloud.campaigns.filters import AllOf, Compare, Compared, Filter, words_of
from volant.cloud.store.car_rows import CarRows, car_row, kind_facts
from volant.cloud.store.ports import CarRow

SCAN_MOST: Final = 5_000
"""Cars or kinds that one page looks at, for some 30 ms; a choice of ours, like the rest."""
KINDS_MOST: Final = 64
"""So many kinds are read from the index one after the other."""
LET_MOST: Final = 100_000
"""Kinds of which is remembered whether the filter lets them through."""
EACH: Final = (
    "select cars.car_id, cars.kind, kinds.facts, devices.body, records.body from cars"
    " join kinds on kinds.id = cars.kind"
    " left join devices on devices.car_id = cars.car_id"
    " left join records on records.car_id = cars.car_id"
)


class SearchRows(CarRows):
    """The part of a transaction that searches cars."""

    def search(
        self, wanted: Filter, *, after: str = "", most: int = 100
    ) -> tuple[list[CarRow], str]:
        """A page of the cars that a filter lets through, and after which to go on; empty: there are no more."""
        names = named(wanted)
        kinds = None if names is not None or "car" in words_of(wanted) else self._kinds(wanted)
        if names is not None:
            found, follows = self._of_names(wanted, names, after, most)
        elif kinds is not None and len(kinds) <= KINDS_MOST:
            found, follows = self._of_kinds(kinds, after, most)
        else:
            found, follows = self._of_all(wanted, after, most)
        rows = [self.car(one) for one in found]
        return [one for one in rows if one is not None], follows

    def each(self, wanted: Filter) -> Iterator[CarRow]:
        """All cars that a filter lets through, in no order, without when they were heard."""
        by_car = "car" in words_of(wanted)
        let: dict[int, bool] = {}
        for car_id, kind, body, device, record in self._each_of(wanted, by_car=by_car):
            if by_car:
                found = wanted({**kind_facts(body), "car": (car_id,)})
            elif kind in let:
                found = let[kind]
            else:
                if len(let) >= LET_MOST:
                    let.clear()
                found = let[kind] = wanted(kind_facts(body))
            if found:
                yield car_row(car_id, None, device, record)

    def _each_of(self, wanted: Filter, *, by_car: bool) -> Iterator[Any]:
        kinds = None if by_car else self._kinds(wanted)
        if kinds is None or len(kinds) > KINDS_MOST:
            yield from self._stream(EACH)
            return
        for kind in kinds:
            yield from self._stream(f"{EACH} where cars.kind = :kind", kind=kind)

    def _kinds(self, wanted: Filter) -> list[int] | None:
        """Kinds of cars that it lets through; None: there are too many to ask each."""
        found = self._run("select id, facts from kinds limit :most", most=SCAN_MOST).all()
        if len(found) == SCAN_MOST:
            return None
        return [kind for kind, body in found if wanted(kind_facts(body))]

    def _of_kinds(self, kinds: list[int], after: str, most: int) -> tuple[list[str], str]:
        sql = (
            "select car_id from cars where kind = :kind and car_id > :after"
            " order by car_id limit :most"
        )
        found = sorted(
            car_id
            for kind in kinds
            for (car_id,) in self._run(sql, kind=kind, after=after, most=most)
        )[:most]
        return found, found[-1] if len(found) == most else ""

    def _of_names(
        self, wanted: Filter, names: tuple[str, ...], after: str, most: int
    ) -> tuple[list[str], str]:
        sql = (
            "select kinds.facts from cars join kinds on kinds.id = cars.kind"
            " where cars.car_id = :car"
        )
        found = []
        for name in sorted({one for one in names if one > after}):
            kind = self._first(sql, car=name)
            if kind is not None and wanted({**kind_facts(kind[0]), "car": (name,)}):
                found.append(name)
        return found[:most], found[most - 1] if len(found) > most else ""

    def _of_all(self, wanted: Filter, after: str, most: int) -> tuple[list[str], str]:
        sql = (
            "select cars.car_id, kinds.facts from cars join kinds on kinds.id = cars.kind"
            " where cars.car_id > :after order by cars.car_id limit :most"
        )
        found: list[str] = []
        count = 0
        for car_id, body in self._run(sql, after=after, most=SCAN_MOST):
            count, after = count + 1, car_id
            if wanted({**kind_facts(body), "car": (car_id,)}):
                found.append(car_id)
                if len(found) == most:
                    return found, after
        return found, after if count == SCAN_MOST else ""


def named(wanted: Filter) -> tuple[str, ...] | None:
    """Ids outside of which a filter lets no car through; None: it may be any."""
    if isinstance(wanted, AllOf):
        found = [names for one in wanted.parts if (names := named(one)) is not None]
        return min(found, key=len, default=None)
    if isinstance(wanted, Compared) and (wanted.word, wanted.how) == ("car", Compare.EQUAL):
        return wanted.values
    return None
