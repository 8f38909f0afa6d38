"""Who a driver is, mended by agents."""
