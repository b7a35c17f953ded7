"""What a page says, read without a model, each value with its quote; and what of a model's answer is believed."""
