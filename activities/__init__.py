"""The steps of the workflows. Every `do` stands beside its `undo`, and every one of them may run twice."""
