"""What runs a network on a device, and what it keeps on disk."""
