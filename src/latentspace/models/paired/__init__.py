"""Two modalities in one space: each row is of one side, and pairs say which rows tell of the same thing."""
