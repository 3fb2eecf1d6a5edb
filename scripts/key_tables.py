"""The tables of the key protocol as a page: who may do what, what each action asks for, codes and bounds."""

from __future__ import annotations

from volant.trust.key import codes
from volant.trust.key.codes import WORDS, Code, Kind, Tier
from volant.trust.key.roles import DEMANDS, ROLES, Action, Role, Where

WHERE = {Where.ANYWHERE: "anywhere", Where.HERE: "at the car", Where.AFAR: "over the network"}


def word(name: str) -> str:
    return name.lower().replace("_", " ")


def rights() -> list[str]:
    lines = [
        "| action | " + " | ".join(f"{word(role.name)} ({role})" for role in Role) + " |",
        "|---|" + "---|" * len(Role),
    ]
    for action in Action:
        cells = ("yes" if action in ROLES[role].actions else "" for role in Role)
        lines.append(f"| {word(action.name)} ({action}) | " + " | ".join(cells) + " |")
    cells = (WHERE[ROLES[role].where] for role in Role)
    lines.append("| *works* | " + " | ".join(cells) + " |")
    return lines


def demands() -> list[str]:
    lines = ["| action | tier | at the car | person verified | by walking up | counts as a use |"]
    lines.append("|---|---|---|---|---|---|")
    for action in Action:
        found = DEMANDS[action]
        flags = (found.here, found.verified, found.passive, found.counted)
        cells = " | ".join("yes" if flag else "" for flag in flags)
        tier = "standard" if found.tier is Tier.STANDARD else "any"
        lines.append(f"| {word(action.name)} | {tier} | {cells} |")
    return lines


BOUNDS = (
    ("a capsule", codes.CAPSULE_MOST_BYTES, "bytes"),
    ("the argument of a request", codes.ARGUMENT_MOST_BYTES, "bytes"),
    ("the data of an answer", codes.DATA_MOST_BYTES, "bytes"),
    ("attached to a request", codes.ATTACHED_MOST, "lists and leases"),
    ("certificates behind each other", codes.CHAIN_MOST, ""),
    ("keys that a car knows", codes.KEYS_MOST, ""),
    ("owners among them", codes.OWNERS_MOST, ""),
    ("entries of a list of revoked keys", codes.REVOKED_MOST, ""),
    ("shares with uses or leases", codes.SHARES_MOST, ""),
    ("age of a nonce or an exchange beside the car", codes.HELD_MOST_NS // 10**6, "ms"),
    ("life of a remote command or exchange", codes.EXPIRY_MOST_MS, "ms"),
    ("age of a person's verification", codes.VERIFIED_MOST_S, "s"),
    ("a connection without a key", codes.IDLE_MOST_NS // 10**6, "ms"),
    ("a pairing code, an owner's word for one", codes.PAIRING_MOST_NS // 10**9, "s"),
    ("a lease", codes.LEASE_MOST_S, "s"),
    ("an owner's clock ahead of the car's, for leases", codes.LEASE_SKEW_S, "s"),
    ("a car's clock set back without being called lost", codes.CLOCK_BACK_MOST_S, "s"),
)


def page() -> str:
    lines = [
        "# Tables of the key protocol",
        "",
        "Made by `make reference` from `volant.trust.key`; what the words mean stands in",
        "[the specification](key-protocol.md).",
        "",
        "## Roles and actions",
        "",
        "Numbers are those of the wire. An empty cell is a no.",
        "",
        *rights(),
        "",
        "## What each action asks for",
        "",
        *demands(),
        "",
        "## Kinds of capsules",
        "",
        "| kind | byte |",
        "|---|---|",
        *(f"| {kind.name} | 0x{kind:02x} |" for kind in Kind),
        "",
        "## Codes",
        "",
        "| number | code | what a person reads |",
        "|---|---|---|",
        *(f"| {code} | {word(code.name)} | {WORDS[code]} |" for code in Code),
        "",
        "## Bounds",
        "",
        "All are Volant's own.",
        "",
        "| what | at most |",
        "|---|---|",
        *(f"| {what} | {most} {unit}".rstrip() + " |" for what, most, unit in BOUNDS),
        "",
    ]
    return "\n".join(lines)


def typescript() -> str:
    """The same for the screens: web/kit/key/tables.gen.ts."""
    kinds = (Kind, Action, Role, Code)
    lines = ["// Made by `make reference` from volant.trust.key; not to be changed by hand.", ""]
    for kind in kinds:
        members = (f"  {one.name}: {one.value}," for one in kind)
        lines += [f"export const {kind.__name__} = {{", *members, "} as const;", ""]
    lines.append("/** What a person reads, in English. */")
    lines.append("export const WORDS: Readonly<Record<number, string>> = {")
    lines += [f'  {code.value}: "{words}",' for code, words in WORDS.items()]
    lines += ["};", ""]
    return "\n".join(lines)
