"""The bodies that go in and out. Unknown fields are refused."""
