"""Runs outside the debugged process: a client of the Debug Adapter Protocol and the terminal program ``asynctb``.

Imports nothing of the core and nothing of the helper: what it knows about the program comes over the wire
(`dap_extension.protocol`).
"""
