"""The wire between the functions and the emulated AWS: microburst, and a tap that names, records and cuts calls."""
