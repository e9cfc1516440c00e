"""Terminal widths, in columns, from which the screens show more."""

MEDIUM = 104
WIDE = 160
