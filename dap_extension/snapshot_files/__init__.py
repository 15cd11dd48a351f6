"""Snapshot files: their format (`schema.json`, ``docs/snapshot-format.md``), reading and writing them.

For everything outside the debugged process. Imports nothing but `dap_extension.protocol` and the standard library; what
the library writes by itself comes from ``asynctb/_output/document.py``.
"""
