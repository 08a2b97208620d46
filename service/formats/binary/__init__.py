"""Binary formats: Arrow streams, Parquet and .npy, with checks of declared sizes before memory is allocated."""
