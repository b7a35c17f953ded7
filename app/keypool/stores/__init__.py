"""Where the pool's state lives. `base` is the contract; every other file here is one store."""
