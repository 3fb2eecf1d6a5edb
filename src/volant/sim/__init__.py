"""Worlds and judging: traffic, sensors, ground truth, and what counts as an intervention."""

__all__: list[str] = []
