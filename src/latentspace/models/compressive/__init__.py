"""Models that are trained for rate and distortion: pictures as few bits and little error."""
