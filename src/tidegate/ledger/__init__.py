"""What each exchange was and cost: one row each, never content."""
