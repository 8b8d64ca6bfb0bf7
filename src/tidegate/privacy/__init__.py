"""Detection and masking: what a request holds, and how it may leave all the same."""
