"""What is known about trio."""
