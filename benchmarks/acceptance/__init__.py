"""Acceptance of the Chatterbox models on a user's machine: `./run.sh accept`. `parts.py` lists what is measured and its thresholds."""
