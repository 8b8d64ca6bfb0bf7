"""`/metrics`: one catalogue of what is counted, who counts it, what is read at a scrape, and the path itself."""
