"""Uptane 2.1 without a network, a disk or a clock: what a car may believe of its updates, and what it says of itself.

The metadata are tuf's classes; the rules, the order of requests and every bound are here. `Session` runs a check
over a network that a shell brings; `hand_on` gives secondaries what the primary believes.
"""

from volant.trust.uptane.check import (
    Plan,
    check_full,
    check_partial,
    delta_fetch,
    find_target,
    hand_on,
    image_fetch,
    refresh,
)
from volant.trust.uptane.custom import UpdateNote, note_of
from volant.trust.uptane.download import Download, Fetch, ImageCheck
from volant.trust.uptane.inventory import EcuEntry, Installed, Inventory
from volant.trust.uptane.keeper import Keeper, soft_signer, target_file
from volant.trust.uptane.limits import Limits
from volant.trust.uptane.manifest import (
    Condition,
    EcuReport,
    Ended,
    Waiting,
    read_manifest,
    sign_manifest,
    sign_report,
)
from volant.trust.uptane.match import Assignment, Checker
from volant.trust.uptane.provision import RepositoryMap, provision_full, provision_partial
from volant.trust.uptane.secure_time import SecureClock, attest
from volant.trust.uptane.session import ImageLoad, Session, answer_from
from volant.trust.uptane.trusted import TrustedRepository
from volant.trust.uptane.verdict import Attack, RejectedError

__all__ = [
    "Assignment", "Attack", "Checker", "Condition", "Download", "EcuEntry", "EcuReport", "Ended",
    "Fetch", "ImageCheck", "ImageLoad", "Installed", "Inventory", "Keeper", "Limits", "Plan", "RejectedError",
    "RepositoryMap", "SecureClock", "Session", "TrustedRepository", "UpdateNote", "Waiting", "answer_from",
    "attest", "check_full", "check_partial", "delta_fetch", "find_target", "hand_on",
    "image_fetch", "note_of", "provision_full", "provision_partial", "read_manifest", "refresh",
    "sign_manifest", "sign_report", "soft_signer", "target_file",
]  # fmt: skip
