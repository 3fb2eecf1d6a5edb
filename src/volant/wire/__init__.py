"""Standards as bytes and objects; opens no sockets.

`journal` records a drive as MCAP and reads it back; `foxglove` is what viewers see of it.
"""

__all__ = ["foxglove", "journal"]
