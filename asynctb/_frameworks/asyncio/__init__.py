"""What is known about asyncio."""
