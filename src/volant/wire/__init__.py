"""Standards as bytes and objects; opens no sockets.

`journal` records a drive as MCAP and reads it back; `foxglove` is what viewers see of it. `uds`, `isotp` and
`doip` are the words of diagnostics.
"""

__all__ = ["doip", "foxglove", "isotp", "journal", "uds"]
