"""Settings: read, checked, described."""
