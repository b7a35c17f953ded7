"""Score records against hand labels of real pages: `python -m benchmarks.extraction`."""
