"""Names that a worker and the one who starts it share."""

STARTED_BY_MASTER = "LGPROF_LOAD_PARENT"
"""Id of the master's process, in the environment of the workers that it starts itself: they end
when it does."""
