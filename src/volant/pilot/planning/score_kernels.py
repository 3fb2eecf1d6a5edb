"""Compiled totals of what proposals cost."""

from __future__ import annotations

import numpy as np

from volant.core.kernels import kernel

_LATERAL, _BRAKE = 2, 4  # columns of proposals (planning.propose)
W_BRAKE, W_CHANGE = 8, 9  # columns of scores, behind the weights of the eight terms


@kernel("f8(f8[::1], f8[::1], f8[::1])")
def total(cost, score, proposal):  # type: ignore[no-untyped-def]
    """What a proposal costs by itself."""
    a = cost[0] * score[0] + cost[1] * score[1]
    b = cost[2] * score[2] + cost[3] * score[3]
    c = cost[4] * score[4] + cost[5] * score[5]
    d = cost[6] * score[6] + cost[7] * score[7]
    found = (a + b) + (c + d)
    return found + score[W_BRAKE] if proposal[_BRAKE] < 0.0 else found


@kernel("f8[::1](f8[:, ::1], f8[::1], f8[:, ::1], i8)")
def totals(costs, score, proposals, before):  # type: ignore[no-untyped-def]
    """Total cost of each proposal [p] out of costs [p, 8]; before: the row taken last, -1 for none.

    score [10]: the weights, what plain braking costs, what changing one's mind costs, up to twice.
    """
    count = costs.shape[0]
    found = np.empty(count)
    held = 0 <= before < count
    for p in range(count):
        found[p] = total(costs[p], score, proposals[p])
        if held and p != before:
            found[p] += score[W_CHANGE]
        if held and proposals[p, _LATERAL] != proposals[before, _LATERAL]:
            found[p] += score[W_CHANGE]
    return found
