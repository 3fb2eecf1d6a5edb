"""From the chosen motion to acceleration and curvature, 100 times a second."""
