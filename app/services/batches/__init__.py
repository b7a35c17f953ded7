"""Send non-urgent model requests through OpenAI's Batch API: collect requests, send batches, and read results.

A process may crash between any two steps. Therefore, each decision is stored before OpenAI is called, each step can be
repeated, and a batch has one process at a time (its lease).
"""
