"""The simulated car's body: what people press, open and heat, as a pure step beside the plant."""

__all__: list[str] = []
