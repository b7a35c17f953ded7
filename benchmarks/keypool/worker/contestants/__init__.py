"""One module for each contestant, with `build(setup) -> Contestant`. None imports another contestant's library."""
