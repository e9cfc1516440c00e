"""What holds for every test."""

from __future__ import annotations

import os
import signal

# Test models are too small to share out: two workers of two threads each on two cores took ten
# times as long as one thread each. Set before anything imports torch, and for child processes too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

# A suite that was started in the background inherits an ignored Ctrl-C, and hands it on.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no fault of the code: tests are judged by what they find, not by the clock.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
