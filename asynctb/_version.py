"""The version of asynctb: of the library, the helper and the clients."""

__version__ = "0.1.0"
