"""The attack matrix for people: the page docs/reference/attacks.md is what `page` gives."""

from __future__ import annotations

from collections import Counter
from typing import Final

from volant.trust.attacks.attackers import ATTACKS, Power
from volant.trust.attacks.matrix import EXPECTED, LOSSES, Level, Outcome, cells, expected

SHORT: Final = {
    Power.NONE: "no key",
    Power.DIRECTOR: "director",
    Power.IMAGES: "images",
    Power.SUPPLIER: "supplier",
    Power.PRIMARY: "primary",
    Power.OUTSIDE: "outside",
    Power.INSIDE: "inside",
}
MEANING: Final = {
    Outcome.HARMLESS: "the release is installed, nobody suffers",
    Outcome.REFUSED: "the old software runs on, and the car reports the class of attack that is named",
    Outcome.READ: "the release is installed, and the attacker has read its images: Uptane does not hide them",
    Outcome.SPLIT: "one unit runs the new release, the other the old one; the units' signed reports show it",
    Outcome.STUCK: "nothing newer is taken until the keepers rotate the stolen keys, then all goes on",
    Outcome.UNNOTICED: "the old software runs on, and the car does not know why",
    Outcome.LOSS: "the victim runs what the attacker chose",
}


def page() -> str:
    """The table with what its words mean."""
    count = Counter(Outcome(expected(cell).split()[0]) for cell in cells())
    total = sum(count.values())
    lost = sum(count[one] for one in LOSSES)
    lines = [
        "# Attacks on updates",
        "",
        "Made by `make reference` from `volant.trust.attacks`; `volant repo attacks` runs it.",
        "",
        f"{len(ATTACKS)} attacks, {len(Power)} kinds of attackers, {len(Level)} ways of checking: {total} cells.",
        "Each is run in memory: a car at release 2 is offered release 3, the attacker acts and goes, and the keepers",
        f"publish release 4, which must then be installed. {total - lost} cells are refused or harmless, {lost} are",
        "losses that Uptane's design accepts:",
        "",
        "| outcome | cells | meaning |",
        "|---|---|---|",
        *(f"| {one} | {count[one]} | {MEANING[one]} |" for one in Outcome if count[one]),
        "",
        "Attackers, from left to right:",
        "",
        *(f"- **{SHORT[power]}**: {power}" for power in Power),
        "",
        "Who holds keys of a repository sits outside and inside the car as well. An attacker on the bus can forge the",
        "order to install. `full` is a secondary that checks both repositories, `partial` one that checks the director's",
        "targets; the primary, which checks in full, stands before both unless it is the attacker.",
        "",
        "Each unit has a clock of its own: it knows what was attested to it, over the wires that the attacker may sit on,",
        "and counts on from there while it has power. In a freeze the car is off for 100 days: whoever also lets no signed",
        "time through is not noticed by then. A car that has power, or hears one signed time, refuses (`freeze`).",
        "",
        "Where something is withheld (drop-request to denial-of-service), `refused` means that the update does not come",
        "while the attacker stays: nothing can force it through, but the car knows, and says so. Who holds the keys of",
        "both repositories at once is not in the table: nothing is left to stop them.",
        "",
        "| attack | check | " + " | ".join(SHORT.values()) + " |",
        "|---|---|" + "---|" * len(Power),
    ]
    for attack, rows in EXPECTED.items():
        for level, row in zip(Level, rows, strict=True):
            lines.append(f"| {attack} | {level} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"
