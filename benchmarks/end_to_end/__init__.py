"""Run the labeled pages through the whole service: enqueue, fetch over HTTP, read in a worker, store, and score."""
