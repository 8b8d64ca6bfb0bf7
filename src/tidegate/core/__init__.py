"""The vocabulary: frozen values and the error tree. No I/O, imports nothing of ours."""
