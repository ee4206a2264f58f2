"""One machine: the supervisor of a mesh, the built-in shop, the demo and its report."""
