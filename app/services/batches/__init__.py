"""OpenAI's Batch API for questions that can wait: collect what is parked, send it, look after it, read what came back.

Everything may die between any two steps. What was decided is in the database before it is done at OpenAI, each step may
be repeated, and one process at a time looks after a batch.
"""
