"""Binary formats: Arrow, Parquet and npy."""
