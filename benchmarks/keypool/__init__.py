"""Compare the key pool with its peers: many processes, unequal keys, and an OpenAI simulator that counts on admission.

`python -m benchmarks.keypool run` measures, `report` writes the page, `admission` times one admission in the store.
Every contestant runs in worker processes of a separate interpreter, so that its packages do not conflict.
"""
