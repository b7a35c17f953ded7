"""Reports for operators: health, metrics, diagnosis, estimates, exports."""
