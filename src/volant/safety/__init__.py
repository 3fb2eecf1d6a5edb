"""The last word on every command: emergency braking, the guard, its limits and its own stop.

Imports core only; plain Python, so that coverage and mutation see every line.
"""

__all__ = ["aeb", "driver", "guard", "limits", "stop"]
