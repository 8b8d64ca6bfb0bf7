"""How one call survives: budgets, queues, pacing, breakers, retries. `guard` shows them in their order."""
