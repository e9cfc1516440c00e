"""The parts of StoreWriter, one kind of thing each."""
