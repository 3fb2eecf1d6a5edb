"""Walls around an app: what the machine offers, and how it is used."""

__all__: list[str] = []
