"""How well recipes learn generated sites: model calls saved, values, cost."""
