"""What is known about curio."""
