"""One module for each contestant, with `build(setup) -> Contestant`, which imports only its own library."""
