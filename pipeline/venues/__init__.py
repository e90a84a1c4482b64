"""Market places: calendars, zones, sessions."""
