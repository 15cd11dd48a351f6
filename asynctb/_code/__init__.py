"""Static analysis of code objects: what an instruction does, and which ``with`` blocks are active at it."""
