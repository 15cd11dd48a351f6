"""The commands of ``asynctb``: their options, messages and exit codes, and what each does with a session."""
