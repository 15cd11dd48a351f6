"""Brings asynctb to debuggers that speak the Debug Adapter Protocol."""
