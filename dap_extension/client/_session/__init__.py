"""Talks: to debugpy's adapter, to the processes of a session, and to the helper inside the program."""
