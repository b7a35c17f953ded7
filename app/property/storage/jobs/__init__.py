"""Jobs, and their batches, leases, attempts, quotas, and recovery."""
