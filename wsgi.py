"""The app for granian, as the Procfile starts it."""

import gc
import signal

# A worker inherits the signal handlers of granian's main process, which only take a note, and gets its own once this file is loaded.
# Told to stop in between, it would never hear of it and serve on. It has nothing to finish yet: it may just end.
for told in (signal.SIGTERM, signal.SIGINT):
    signal.signal(told, signal.SIG_DFL)

gc.disable()  # what is loaded stays: looking for garbage in it would be a quarter of the start, and part of every later look

try:
    from api.app import wsgi

    app = wsgi()
except ImportError as trouble:
    # flask's command line prints an ImportError, goes on without the app, and ends with "No such command".
    raise RuntimeError(f"The app cannot be loaded: {trouble}. `make setup` names a package that is missing.") from trouble
gc.freeze()
gc.enable()
