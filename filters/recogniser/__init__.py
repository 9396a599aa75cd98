"""A small trained network that names degradations and their severities. Trained by `training.recogniser`."""
