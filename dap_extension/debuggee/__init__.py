"""What runs inside the debugged process.

It arrives in one ``evaluate`` request (see `dap_extension.payload`), adds requests to debugpy's server (pydevd), and
answers them on pydevd's own command thread. It starts no thread, prints nothing, imports no framework, and between two
requests holds nothing but numbers, texts and weak references.
"""
