"""Writes cars/network/*.dbc from the table beside this file: `python scripts/network.py`.

The DBC files are what Volant reads and a maker's tools open; the table is only a shorter way to keep
four hundred signals alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from network_table import BUSES, RECEIVERS, ROUTED, TABLE, UNITS

FOLDER = Path(__file__).resolve().parent.parent / "cars" / "network"
SEND = {"C": 0, "X": 1, "B": 2}
HEAD = re.compile(r"(\w+) (0x[0-9a-f]+) (\w+) (\w+) (\d+) ([CXB]) ([012]): (.*)")
SIGNAL = re.compile(r"  (\w+) (\d+)(s?) (\S+) (\S+) (\S+)(?: =(\d+))?: ([^{]*?)(?: \{(.*)\})?$")
ATTRIBUTES = """\
BA_DEF_ "Baudrate" INT 1000 1000000;
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;
BA_DEF_ BO_ "GenMsgSendType" ENUM "Cyclic","OnChange","CyclicAndOnChange";
BA_DEF_ BO_ "E2EProfile" ENUM "None","Profile1","Profile2";
BA_DEF_ BO_ "E2EDataID" INT 0 65535;
BA_DEF_ BO_ "E2EDataIDList" STRING;
BA_DEF_ BO_ "GatewayFrom" STRING;
BA_DEF_ SG_ "GenSigStartValue" INT 0 1073741824;
BA_DEF_DEF_ "Baudrate" 500000;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_DEF_DEF_ "GenMsgSendType" "Cyclic";
BA_DEF_DEF_ "E2EProfile" "None";
BA_DEF_DEF_ "E2EDataID" 0;
BA_DEF_DEF_ "E2EDataIDList" "";
BA_DEF_DEF_ "GatewayFrom" "";
BA_DEF_DEF_ "GenSigStartValue" 0;"""


@dataclass
class Signal:
    name: str
    at: int
    bits: int
    signed: bool
    scale: str
    offset: str
    unit: str
    comment: str
    start: int = 0
    named: list[tuple[int, str]] = field(default_factory=list)

    def line(self, to: str) -> str:
        low = -(1 << (self.bits - 1)) if self.signed else 0
        high = (1 << (self.bits - (1 if self.signed else 0))) - 1
        if self.named:
            high = max(number for number, _ in self.named)
        scale, offset = float(self.scale), float(self.offset)
        bounds = (f"{raw * scale + offset:.10g}" for raw in (low, high))
        sign = "-" if self.signed else "+"
        return (
            f" SG_ {self.name} : {self.at}|{self.bits}@1{sign} ({self.scale},{self.offset}) "
            f'[{"|".join(bounds)}] "{self.unit}" {to}'
        )


@dataclass
class Message:
    name: str
    number: int
    bus: str
    sender: str
    cycle_ms: int
    send: str
    profile: int
    comment: str
    signals: list[Signal] = field(default_factory=list)
    bits: int = 0

    def add(self, name: str, bits: int, **rest: object) -> None:
        values = {"signed": False, "scale": "1", "offset": "0", "unit": "-"}
        self.signals.append(Signal(name, self.bits, bits, **{**values, **rest}))  # type: ignore[arg-type]
        self.bits += bits


def read_table() -> list[Message]:
    messages: list[Message] = []
    for line in filter(None, TABLE.splitlines()):
        head, signal = HEAD.fullmatch(line), SIGNAL.fullmatch(line)
        if head:
            name, number, bus, sender, cycle, send, profile, comment = head.groups()
            assert bus in BUSES, line
            assert sender in UNITS, line
            message = Message(
                name, int(number, 16), bus, sender, int(cycle), send, int(profile), comment
            )
            messages.append(message)
            if message.profile:
                message.add(f"{name}_Crc", 8, comment="Checksum of end-to-end protection")
                message.add(f"{name}_Counter", 4, comment="Counter of end-to-end protection")
        elif signal:
            name, bits, signed, scale, offset, unit, start, comment, named = signal.groups()
            choices = [part.strip().split(" ", 1) for part in named.split(",")] if named else []
            message.add(
                f"{message.name}_{name}",
                int(bits),
                signed=bool(signed),
                scale=scale,
                offset=offset,
                unit=unit,
                start=int(start or 0),
                comment=comment,
                named=[(int(number), word) for number, word in choices],
            )
            assert message.bits <= 64, line
        else:
            raise SystemExit(f"not a line of the table: {line!r}")
    return messages


def dbc(bus: str, messages: list[Message]) -> str:
    """The text of one bus."""
    here = [one for one in messages if one.bus == bus or bus in ROUTED.get(one.name, ())]
    out = ['VERSION "1"', "", "NS_ :", "", "BS_:", "", f"BU_: {' '.join(UNITS)}", ""]
    for one in here:
        to = RECEIVERS.get(one.name, "PILOT")
        size = max(2, (one.bits + 7) // 8)
        out.append(f"BO_ {one.number} {one.name}: {size} {one.sender}")
        out += [signal.line(to) for signal in one.signals]
        out.append("")
    out.append(f'CM_ "Volant, bus {bus}: {BUSES[bus]}. Made by scripts/network.py.";')
    out += [f'CM_ BU_ {name} "{comment}";' for name, comment in UNITS.items()]
    for one in here:
        out.append(f'CM_ BO_ {one.number} "{one.comment}";')
        out += [f'CM_ SG_ {one.number} {s.name} "{s.comment}";' for s in one.signals]
    out += ["", ATTRIBUTES, 'BA_ "Baudrate" 500000;']
    for one in here:
        out.append(f'BA_ "GenMsgCycleTime" BO_ {one.number} {one.cycle_ms};')
        out.append(f'BA_ "GenMsgSendType" BO_ {one.number} {SEND[one.send]};')
        if one.bus != bus:
            out.append(f'BA_ "GatewayFrom" BO_ {one.number} "{one.bus}";')
        if one.profile:
            out.append(f'BA_ "E2EProfile" BO_ {one.number} {one.profile};')
            out.append(f'BA_ "E2EDataID" BO_ {one.number} {one.number};')
        if one.profile == 2:
            ids = bytes((one.number * 7 + 37 * place) & 0xFF for place in range(16))
            out.append(f'BA_ "E2EDataIDList" BO_ {one.number} "{ids.hex()}";')
        out += [
            f'BA_ "GenSigStartValue" SG_ {one.number} {signal.name} {signal.start};'
            for signal in one.signals
            if signal.start
        ]
    out.append("")
    out += [
        f"VAL_ {one.number} {signal.name} "
        + " ".join(f'{number} "{word}"' for number, word in reversed(signal.named))
        + " ;"
        for one in here
        for signal in one.signals
        if signal.named
    ]
    return "\n".join(out) + "\n"


def main() -> None:
    messages = read_table()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for bus in BUSES:
        (FOLDER / f"{bus}.dbc").write_text(dbc(bus, messages), encoding="utf-8")
    count = sum(len(message.signals) for message in messages)
    print(f"{len(messages)} messages, {count} signals on {len(BUSES)} buses")


if __name__ == "__main__":
    main()
