"""The load generator: one process with many slots that drive one contestant. Only contestants import libraries."""
