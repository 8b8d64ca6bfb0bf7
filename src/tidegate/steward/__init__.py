"""Several processes on one port: a steward that answers nobody, and the workers that share through it what must be one.

The steward holds queues and slots, budgets, what is known to be private and the embedded engine; each file here has both
halves of one such thing, the steward's and the worker's. With one process nothing of this is imported.
"""
