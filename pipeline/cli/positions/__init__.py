"""`candlelake positions`: recording what you hold, and looking at it."""
