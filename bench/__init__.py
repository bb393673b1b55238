"""Measurements that anyone can re-run: `make bench`. They print; no test holds a time that a machine decides."""
