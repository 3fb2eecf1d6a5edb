"""The last word on every command: the guard, its table of limits and its own stop.

Imports core only; plain Python, so that coverage and mutation see every line.
"""

__all__ = ["driver", "guard", "limits", "stop"]
