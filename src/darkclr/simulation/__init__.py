"""From proton collisions to jets: event generation, energy-flow detector, jet clustering."""
