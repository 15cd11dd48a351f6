"""Who waits for whom, who holds what, and what follows. It names no framework: these hand in what they know."""
