"""The key whose tightest bucket has most room, for keys of unequal limits."""

LUA = "(1.0 - headroom) + chance * 1e-6"
