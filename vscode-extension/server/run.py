"""Runs the language server with the libraries beside this file, whatever the interpreter has of its own."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dap_extension.language_server.__main__ import main  # noqa: E402

main()
