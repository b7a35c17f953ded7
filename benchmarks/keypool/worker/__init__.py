"""The load generator: one process with many slots, which all call the same contestant."""
