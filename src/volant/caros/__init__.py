"""The car's operating system: supervision, diagnostics, the cockpit server and the signal tree."""

__all__: list[str] = []
