"""The contestants. Each module has a function `build(setup) -> Contestant`."""
