"""Names and examples: the slow tiers, in worker processes."""
