"""The stores of the pool's state. `base` is the contract that all stores implement."""
