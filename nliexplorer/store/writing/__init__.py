"""The parts of `StoreWriter`: runs, evaluations, notes and tags, merging."""
