"""The car's operating system: today the cockpit server; services, brokers and apps come later."""

__all__: list[str] = []
