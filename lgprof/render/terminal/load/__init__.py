"""The sections that only a load test has, or that say something else there than in a run."""
