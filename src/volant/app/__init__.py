"""The composition root and the command line; alone may import every room.

Real clocks, signals, the environment and the terminal are met here and nowhere below.
"""

__all__ = ["cli", "components", "compose", "exits", "inbox", "inline"]
