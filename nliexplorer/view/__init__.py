"""What CLI, explorer and report draw: Rich renderables, matplotlib figures and HTML."""
