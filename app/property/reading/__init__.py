"""Read pages without a model, each value with its quote, and check a model's claims."""
