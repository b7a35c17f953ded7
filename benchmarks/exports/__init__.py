"""Measure exports: the time of each format, and whether memory stays constant with ten times the properties."""
