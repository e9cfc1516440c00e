"""Configurations as TOML files: the presets of `train`, and the plans and arms of the study.

Read as package data; no code.
"""
