"""The journal of a drive: one MCAP file, written as NAME.part and renamed when it is whole.

MessagePack channels hold our own messages as they were published; replay reads them and the hash covers
them. JSON channels in Foxglove's schemas are for viewers (`foxglove.py`). This module is the door;
writing, reading and comparing stand in `journal_writer.py`, `journal_reader.py` and `journal_compare.py`.
"""

from volant.wire.foxglove import LaneLine
from volant.wire.journal_compare import Difference, compare
from volant.wire.journal_format import JournalDigest, JournalHash, JournalHeader
from volant.wire.journal_reader import (
    JournalGlance,
    JournalInfo,
    Record,
    Series,
    TopicCount,
    journal_glance,
    journal_hash,
    journal_info,
    read_header,
    read_journal,
    read_series,
)
from volant.wire.journal_writer import JournalWriter

__all__ = [
    "Difference",
    "JournalDigest",
    "JournalGlance",
    "JournalHash",
    "JournalHeader",
    "JournalInfo",
    "JournalWriter",
    "LaneLine",
    "Record",
    "Series",
    "TopicCount",
    "compare",
    "journal_glance",
    "journal_hash",
    "journal_info",
    "read_header",
    "read_journal",
    "read_series",
]
