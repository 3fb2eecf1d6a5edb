"""The audit log held against what else is known: a head that was kept elsewhere, and the rows that it tells of.

A chain of hashes shows what was changed in it, not that its end was cut off. A kept head shows that. Without one, what
the database says of campaigns, releases and people must have its line: a campaign that runs and was never started is
seen. Whoever may write to the database can change both; a head that lies elsewhere they cannot.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from volant.cloud import audit
from volant.cloud.audit import EMPTY, Entry, Head
from volant.cloud.campaigns import Campaign, Phase
from volant.cloud.store.ports import Work
from volant.core.errors import InputError, TrustError
from volant.trust.keys import SigningKey

PLAIN: Final = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})\Z")
CUT: Final = "audit log: its end was cut off, or the database was changed beside it: "


def kept_head(text: str, key: SigningKey | None) -> Head:
    """A head as somebody has kept it: `LINES:HASH`, or sealed as a report carries it; empty: none.

    Raises:
        InputError: it is neither.
        TrustError: it was sealed with another key than this fleet's, or the key is not here.
    """
    if not text.strip():
        return EMPTY
    if plain := PLAIN.match(text.strip()):
        return Head(count=int(plain[1]), digest=plain[2])
    if key is None:
        raise TrustError("no key of this fleet's audit log is here; hold it against LINES:HASH")
    try:
        return audit.read_head(text.encode(), key.public)
    except InputError as error:
        raise InputError(f"no head of an audit log, LINES:HASH or sealed: {error}") from error
    except TrustError as error:
        raise TrustError(f"the head is not of this fleet's audit log: {error}") from error


def check_log(work: Work, holds: Head = EMPTY) -> Head:
    """Read the whole log of a database, and hold it against a kept head and the database's rows.

    Raises:
        InputError: a line was changed or is missing.
        TrustError: its end was cut off, or it is another log.
    """
    seen = _Seen()
    head = audit.check(work.lines(), holds=holds, told=seen.take)
    kept = work.head()
    if kept.count == head.count and kept.digest != head.digest:
        raise InputError(f"line {head.count} was changed", file="audit log", line=head.count)
    for campaign in work.campaigns():
        seen.check(campaign)
    names = {"publish": [one.name for one in work.releases()]}
    names["invite"] = [one.name for one in work.people()]
    for act, known in names.items():
        for name in known:
            if (act, name) not in seen.made:
                raise TrustError(f"{CUT}no line `{act}` of {name}, which is there")
    return head


@dataclass
class _Seen:
    """What the lines say of campaigns, releases and people."""

    stands: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Phase and revision of each campaign after its newest line."""
    told: Counter[str] = field(default_factory=Counter)
    """Tries of cars, by campaign."""
    made: set[tuple[str, str]] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        if entry.act in {"publish", "invite", "draft"}:
            self.made.add((entry.act, entry.about))
        if entry.act == "tell":
            self.told[str(entry.data.get("campaign", ""))] += 1
        elif "phase" in entry.data or entry.act == "start":
            # An older Volant wrote no phase when a campaign started.
            found = {"phase": entry.data.get("phase", Phase.RUNNING)}
            if "revision" in entry.data:
                found["revision"] = entry.data["revision"]
            self.stands.setdefault(entry.about, {}).update(found)

    def check(self, campaign: Campaign) -> None:
        """Whether a campaign stands as its newest lines say."""
        name = campaign.plan.campaign_id
        if ("draft", name) not in self.made:
            raise TrustError(f"{CUT}no line `draft` of campaign {name}, which is there")
        # A draft that an older Volant wrote tells nothing but its plan.
        says = {"phase": "draft", "revision": 0} | self.stands.get(name, {})
        if (says["phase"], says["revision"]) != (campaign.phase, campaign.revision):
            raise TrustError(
                f"{CUT}campaign {name} is {campaign.phase} at revision {campaign.revision}, "
                f"its newest line says {says['phase']} at revision {says['revision']}"
            )
        if self.told[name] < campaign.told:
            raise TrustError(
                f"{CUT}campaign {name} told {campaign.told} tries, of which {self.told[name]} have a line"
            )
