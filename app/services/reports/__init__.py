"""What operators ask for: health, metrics, diagnosis, estimates, exports."""
