"""Content that the operator asked to keep: sealed, for a time, and never what is private."""
