"""A broker that speaks kuksa.val.v1 and v2 (gRPC) over the signal store; see `server.serve`."""

__all__: list[str] = []
