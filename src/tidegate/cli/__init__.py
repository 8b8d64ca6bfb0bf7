"""One lazily imported file per command."""
