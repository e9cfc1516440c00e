"""The parts of `StoreReader`: runs, predictions, attributions, dynamics, annotations."""
