"""The ways of mixing hosted and local, each a short configuration with comments, and their one reader."""
