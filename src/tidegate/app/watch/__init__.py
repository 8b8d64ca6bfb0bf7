"""The provider watch: balance, history of each backend, and alerts. Parts of it that need no loop stand in files of their own."""
