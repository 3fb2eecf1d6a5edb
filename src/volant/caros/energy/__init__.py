"""Energy ahead: what a route will use, learned from the car's own signals. Pure: no I/O, no clocks."""
