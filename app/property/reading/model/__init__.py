"""Ask a model for what the readers did not find: the prompt, the answer, and the check of its quotes."""
