"""The load generator: one process whose threads or async tasks all call the benchmarked library."""
