"""The study: arms over seeds, run where they are missing, then tables and figures."""
