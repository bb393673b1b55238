"""What crosses into workflows and activities: ids and facts, never a person."""
