"""What operators run by hand on a real environment: each module is one command, built like a small process."""
