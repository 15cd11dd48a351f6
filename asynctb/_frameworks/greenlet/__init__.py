"""What is known about greenlets."""
