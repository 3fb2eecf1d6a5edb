"""VISS version 2 over WebSocket and HTTP, on the signal store: reading, setting, subscribing.

Messages as in the W3C drafts of VISS version 2 (Core and Transport, editors' drafts of w3c/automotive at
009d0b3); `session` is what one WebSocket says and hears, without a socket, `server` the sockets.
"""

__all__: list[str] = []
