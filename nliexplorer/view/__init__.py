"""How results look everywhere: tables, heatmaps and figures for the CLI, explorer and report.

Turns values into Rich renderables, matplotlib figures and HTML; computes no statistics.
"""
