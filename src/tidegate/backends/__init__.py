"""Where requests go: sockets and processes. No policy here."""
