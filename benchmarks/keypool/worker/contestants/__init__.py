"""The contestants, one per module, with a function `build(setup) -> Contestant`.

No module imports another's library.
"""
