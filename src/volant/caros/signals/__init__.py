"""The signal tree: values, rights, the store and the arbiter; pure, for one thread, without sockets.

Who serves it (KUKSA gRPC, VISS) has one asyncio loop and calls `store` from it; `wire/vss.py` says what a
signal is. Docs: docs/guides/signals.md.
"""

__all__: list[str] = []
