"""The explorer's screens, one per module, each with its own state."""
