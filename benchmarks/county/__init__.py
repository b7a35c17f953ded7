"""How well the fictional county (`standin/county`) is read: merges, values, conflicts, lies, calls of the model."""
