"""The cars of a fleet, what runs on them by their own signed word, and which releases are for them."""

from volant.cloud.inventory.cars import CarRecord, Changed, Heard, hear
from volant.cloud.inventory.releases import (
    Fit,
    Release,
    ReleaseImage,
    check_fit,
    facts_for,
    runs_release,
    why_unable,
)

__all__ = [
    "CarRecord", "Changed", "Fit", "Heard", "Release", "ReleaseImage", "check_fit", "facts_for",
    "hear", "runs_release", "why_unable",
]  # fmt: skip
