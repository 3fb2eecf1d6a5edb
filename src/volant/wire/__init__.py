"""Standards as bytes and objects; opens no sockets.

`journal` records a drive as MCAP and reads it back; `foxglove` is what viewers see of it. `uds`, `isotp` and
`doip` are the words of diagnostics. `dbc` reads the data bases of CAN buses and codes their frames; `e2e`
protects them end to end. `vss` reads catalogues of signals.
"""

__all__ = ["dbc", "doip", "e2e", "foxglove", "isotp", "journal", "uds", "vss"]
