"""The parts of StoreReader, one kind of question each."""
