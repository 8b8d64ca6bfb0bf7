"""The pure choice: (ask, snapshot, policy) -> Decision. No socket, no clock."""
