"""What is known about threads: `threading`, `queue`, `concurrent.futures`."""
