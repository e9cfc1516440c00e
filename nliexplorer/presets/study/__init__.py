"""The study's plans as TOML files, read as package data."""
