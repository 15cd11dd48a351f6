"""What is known about anyio."""
