"""What the host application implements: storage, gateways, and the one commit between them."""
