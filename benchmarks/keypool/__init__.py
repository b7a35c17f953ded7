"""Compare the key pool with its peers: many processes, keys with unequal limits, and an OpenAI simulator.

The simulator counts admitted requests. `python -m benchmarks.keypool run` measures, `report` writes the page,
`admission` times one admission in the store. The peers run in worker processes of a separate environment, so that their
packages do not conflict with the project's.
"""
