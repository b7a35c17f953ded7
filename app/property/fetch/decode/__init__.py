"""Decode response bodies to text, and detect media types and block pages."""
