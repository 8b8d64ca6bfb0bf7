"""Facts that age: TOML rows with a source and a checked-on date, and their readers."""
