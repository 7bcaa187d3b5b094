"""A client of the API: `say`, `voices` and `models`, asking a server somewhere or one within this process."""
