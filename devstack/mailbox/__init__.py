"""A mailbox that takes every mail of the stack and delivers none: an SMTP server, a page, and the same as JSON."""
