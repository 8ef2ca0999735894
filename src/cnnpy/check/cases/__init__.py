"""What is tried: one module an op, each with a ``draw`` over its whole option space."""
