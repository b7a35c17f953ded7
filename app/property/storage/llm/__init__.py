"""Answers of models, kept; questions that wait for a batch of a model."""
