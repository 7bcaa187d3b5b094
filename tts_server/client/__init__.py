"""The client commands `say`, `voices` and `models`, which use a server over the network or one in this process."""
