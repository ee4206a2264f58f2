"""What must hold before a version is released: `python -m deploy.release`, which is `make release-check`."""
