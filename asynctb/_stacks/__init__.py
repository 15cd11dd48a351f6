"""The stacks of objects: what third parties say about them, which frames they have, with what in them."""
