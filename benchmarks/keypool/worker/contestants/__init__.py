"""One module per contestant: each has `build(setup) -> Contestant` and imports no library but its own."""
