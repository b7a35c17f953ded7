"""Ask a model for values that the readers did not find: build the prompt, parse the answer, and check its quotes."""
