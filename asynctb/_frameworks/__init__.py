"""What asynctb knows about particular frameworks and libraries: a folder or a file for each, listed in `_registry`."""
