"""Configurations as TOML files: presets of `train`, and the plans and arms of the study."""
