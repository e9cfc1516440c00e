"""One screen of the explorer a module, with its state."""
