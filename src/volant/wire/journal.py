"""The journal of a drive: one MCAP file, written as NAME.part and renamed when it is whole.

MessagePack channels hold our own messages as they were published; replay reads them and the hash covers
them. JSON channels in Foxglove's schemas are for viewers (`foxglove.py`). This module is the door;
writing, reading and asking stand in `journal_writer.py`, `journal_reader.py` and `journal_query.py`.
"""

from volant.wire.foxglove import LaneLine
from volant.wire.journal_format import JournalDigest, JournalHash, JournalHeader
from volant.wire.journal_query import Difference, Series, compare, series
from volant.wire.journal_reader import (
    JournalInfo,
    Record,
    TopicCount,
    journal_hash,
    journal_info,
    read_header,
    read_journal,
)
from volant.wire.journal_writer import JournalWriter

__all__ = [
    "Difference",
    "JournalDigest",
    "JournalHash",
    "JournalHeader",
    "JournalInfo",
    "JournalWriter",
    "LaneLine",
    "Record",
    "Series",
    "TopicCount",
    "compare",
    "journal_hash",
    "journal_info",
    "read_header",
    "read_journal",
    "series",
]
