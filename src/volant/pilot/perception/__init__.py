"""Where the car is, and who else is there."""
