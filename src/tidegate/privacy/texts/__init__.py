"""Every text of a request that leaves, and what in it cannot be looked into. Pure."""
