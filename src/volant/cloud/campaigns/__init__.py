"""Campaigns: which cars get an update, when, and when it stops itself. Steps without a clock, a network or a store.

`acts` is what people do, `cars` what cars do, `advance` what follows; `state` has the two records that they change.
"""

from volant.cloud.campaigns.acts import (
    approve,
    change,
    draft,
    pause,
    resume,
    start,
    stop,
    submit,
)
from volant.cloud.campaigns.advance import advance
from volant.cloud.campaigns.cars import (
    Answer,
    CarFacts,
    Outcome,
    Report,
    Said,
    ask,
    hear,
    hear_health,
    leave,
    overdue,
    retry,
    why_not_told,
)
from volant.cloud.campaigns.filters import Filter, parse_filter
from volant.cloud.campaigns.health import CarHealth, HealthSum
from volant.cloud.campaigns.plan import HealthRule, Plan, Wave
from volant.cloud.campaigns.state import Campaign, CarState, Phase, Task, WaveTally
from volant.cloud.campaigns.waves import Candidate, divide
from volant.cloud.campaigns.windows import Window

__all__ = [
    "Answer", "Campaign", "Candidate", "CarFacts", "CarHealth", "CarState", "Filter",
    "HealthRule", "HealthSum", "Outcome", "Phase", "Plan", "Report", "Said", "Task", "Wave",
    "WaveTally", "Window", "advance", "approve", "ask", "change", "divide", "draft", "hear",
    "hear_health", "leave", "overdue", "parse_filter", "pause", "resume", "retry", "start", "stop",
    "submit", "why_not_told",
]  # fmt: skip
