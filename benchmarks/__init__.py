"""Every speed claim, one command each: floors and peers are measured in the same run."""
