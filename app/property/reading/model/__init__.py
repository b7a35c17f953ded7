"""A model reads what rules did not: the question, the answer, and the check of its quotes."""
