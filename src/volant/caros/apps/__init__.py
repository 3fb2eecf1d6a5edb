"""Apps in the car: manifests, signed packages, installing, walls around them, and running."""

__all__: list[str] = []
