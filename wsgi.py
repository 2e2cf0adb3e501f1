"""The app for granian, as the Procfile starts it."""

import signal

# A worker inherits the signal handlers of granian's main process, which only take a note, and gets its own once this file is loaded.
# Told to stop in between, it would never hear of it and serve on. It has nothing to finish yet: it may just end.
for told in (signal.SIGTERM, signal.SIGINT):
    signal.signal(told, signal.SIG_DFL)

from api.app import wsgi  # noqa: E402

app = wsgi()
