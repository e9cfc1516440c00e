"""TOML files, read as package data."""
