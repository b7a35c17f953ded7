"""The key pool beside its peers: many processes, unequal keys, one OpenAI simulator that counts at admission.

`python -m benchmarks.keypool run` measures, `report` draws, `admission` times one admission in the store.
Every contestant runs in worker processes of its own interpreter, so that a peer's packages never meet ours.
"""
