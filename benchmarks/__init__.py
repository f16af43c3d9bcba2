"""Measurements against the loop by hand, on the lab: `make bench`."""
