"""Jobs, their batches, leases, and attempts."""
