"""One module for each part of the acceptance. Each has a function `measure(session)`."""
