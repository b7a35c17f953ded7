"""The contestants, one per module, which has a function `build(setup) -> Contestant`."""
