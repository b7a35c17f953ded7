"""How well the fictional county (`simulators/county`) is read: merges, values, conflicts, lies, calls of the model."""
