"""What a URL means: its one spelling, the parameters that only track visitors, and which page it turns out to be."""
