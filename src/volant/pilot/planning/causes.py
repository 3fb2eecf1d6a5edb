"""What can bind a plan: codes of the kernels, the constraint they stand for, and words for people."""

from __future__ import annotations

from typing import Final

from volant.core.messages import Constraint

CAUSES: Final = (
    (Constraint.NONE, "Road is free"),
    (Constraint.SET_SPEED, "At set speed"),
    (Constraint.SPEED_LIMIT, "Speed limit"),
    (Constraint.CURVE, "Curve ahead"),
    (Constraint.SIGHT, "Limited sight"),
    (Constraint.OCCLUSION, "Hidden corner ahead"),
    (Constraint.ROAD_END, "Road ends ahead"),
    (Constraint.DESTINATION, "Arriving"),
    (Constraint.TAKEOVER, "Stopping safely"),
    (Constraint.RED_LIGHT, "Red light"),
    (Constraint.STOP_SIGN, "Stop sign"),
    (Constraint.GIVE_WAY, "Giving way"),
    (Constraint.CROSSING, "People at crossing"),
    (Constraint.MERGE, "Lane ends, merging"),
)
"""By the codes below; at most four words each."""

NONE, SET_SPEED, LIMIT, CURVE, SIGHT, OCCLUSION, ROAD_END, DESTINATION, TAKEOVER = range(9)
RED_LIGHT, STOP_SIGN, GIVE_WAY, CROSSING, MERGE = range(9, 14)
