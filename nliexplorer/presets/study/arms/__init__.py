"""The study's arms as TOML files, each also a `train --config` file."""
