"""A language server that shows in an editor what a paused program does: see ``docs/editors.md``.

It gets snapshots (`dap_extension.snapshot_files`) from whoever has the debug session; it knows neither the debugger nor
the program.
"""
