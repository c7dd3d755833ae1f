"""Tables and figures of DarkCLR, arXiv:2312.03067."""
