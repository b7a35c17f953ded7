"""Rotate through the keys in order: the one whose turn is longest ago goes next."""

LUA = "turn"
