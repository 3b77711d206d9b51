"""What the tests start and drive: real hubs, real identity providers, browsers. Tests reach it through fixtures."""
