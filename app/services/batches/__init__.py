"""OpenAI's Batch API for questions that can wait: collects parked requests, sends them, and reads the results.

A process may crash between any two steps. Every decision is stored before it is carried out at OpenAI, every step can
be repeated, and one process at a time handles a batch.
"""
