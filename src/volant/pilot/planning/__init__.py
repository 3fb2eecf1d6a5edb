"""Which motion to take: proposals, rolled out against the forecast, scored by named costs."""
