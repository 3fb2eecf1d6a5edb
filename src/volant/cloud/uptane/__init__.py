"""Uptane over the fleet's server: a director that campaigns decide for, the image repository, signed time, joining."""

from volant.cloud.uptane.door import BODY_MOST_BYTES, PREFIX, UptaneDoor

__all__ = ["BODY_MOST_BYTES", "PREFIX", "UptaneDoor"]
