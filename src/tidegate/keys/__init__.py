"""Keys of clients that are made and revoked while the gateway runs: their file, and the view of it that the door asks."""
